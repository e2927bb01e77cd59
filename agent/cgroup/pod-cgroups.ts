/**
 * The cgroups above the containers: `kubepods`, one per QoS class, one per pod with the pod's limits.
 * The runtime puts sandboxes and containers below a pod's. On cgroup v1 and hybrid systems each
 * controller has its own tree; on v2 there is one.
 *
 * Source: kubernetes pkg/kubelet/cm, v1.36; kernel Documentation/admin-guide/cgroup-v{1,2}.
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import {
  CPU_PERIOD_US,
  podCgroupLimits,
  podCgroupPath,
  type QosClass,
  qosCgroupPath,
  qosClass,
} from '../pod/qos.ts';

/** A cgroup whose last process has just died can be removed within this time. */
const REMOVE_DEADLINE_MS = 5_000;
const REMOVE_RETRY_MS = 20;
const CONTROLLERS = ['cpu', 'memory', 'pids'] as const;
const CLASSES: readonly QosClass[] = ['Guaranteed', 'Burstable', 'BestEffort'];

export interface PodCgroupsOptions {
  /** The node's cgroup, as `/skiff/NAME/N`. */
  readonly root: string;
  readonly clock: Clock;
  /** Where the cgroup file systems are. Default `/sys/fs/cgroup`. */
  readonly mountPoint?: string;
}

export class PodCgroups {
  readonly #options: PodCgroupsOptions;
  readonly #mountPoint: string;
  /** Whether the machine has cgroup v2 alone. */
  readonly isUnified: boolean;
  readonly #made = new Set<string>();

  constructor(options: PodCgroupsOptions) {
    this.#options = options;
    this.#mountPoint = options.mountPoint ?? '/sys/fs/cgroup';
    this.isUnified = existsSync(path.join(this.#mountPoint, 'cgroup.controllers'));
  }

  /** The path below the cgroup mount: the CRI's `cgroup_parent`. */
  pathOf(pod: Pod): string {
    return podCgroupPath(this.#options.root, qosClass(pod), pod.metadata.uid);
  }

  /** Makes the pod's cgroup with its limits. Idempotent. */
  ensure(pod: Pod): void {
    const limits = podCgroupLimits(pod);
    const group = this.pathOf(pod);
    if (this.isUnified) {
      this.#makeUnified(group);
      // As `cpuSharesToCPUWeight`; a runtime's own conversion is another: see cpu-weight.ts there.
      const weight = 1 + Math.floor(((limits.cpuShares - 2) * 9999) / 262_142);
      this.#write(group, 'cpu.weight', String(weight));
      const quota = limits.cpuQuotaUs === 0 ? 'max' : String(limits.cpuQuotaUs);
      this.#write(group, 'cpu.max', `${quota} ${CPU_PERIOD_US}`);
      const memory = limits.memoryBytes === 0 ? 'max' : String(limits.memoryBytes);
      this.#write(group, 'memory.max', memory);
      return;
    }
    for (const controller of CONTROLLERS) {
      mkdirSync(path.join(this.#mountPoint, controller, group), { recursive: true });
    }
    this.#write(`cpu${group}`, 'cpu.shares', String(limits.cpuShares));
    if (limits.cpuQuotaUs !== 0) {
      this.#write(`cpu${group}`, 'cpu.cfs_quota_us', String(limits.cpuQuotaUs));
    }
    if (limits.memoryBytes !== 0) {
      const bytes = String(limits.memoryBytes);
      this.#write(`memory${group}`, 'memory.limit_in_bytes', bytes);
    }
  }

  /** Removes the pod's cgroups in every tree. Idempotent; fails when processes stay in them. */
  async remove(uid: string): Promise<void> {
    for (const tree of await this.#trees()) {
      for (const qos of CLASSES) {
        await this.#removeTree(path.join(tree, podCgroupPath(this.#options.root, qos, uid)));
      }
    }
  }

  /** The uids of all pods that have a cgroup on this node. */
  async list(): Promise<ReadonlySet<string>> {
    const uids = new Set<string>();
    for (const tree of await this.#trees()) {
      for (const qos of CLASSES) {
        const folder = path.join(tree, qosCgroupPath(this.#options.root, qos));
        for (const name of await readdir(folder).catch(() => [])) {
          if (name.startsWith('pod')) uids.add(name.slice('pod'.length));
        }
      }
    }
    return uids;
  }

  /** On v2 every ancestor must hand the controllers down. */
  #makeUnified(group: string): void {
    const parts = group.split('/').filter((part) => part !== '');
    let folder = this.#mountPoint;
    for (const part of parts) {
      if (!this.#made.has(folder)) {
        const controllers = CONTROLLERS.map((name) => `+${name}`).join(' ');
        writeFileSync(path.join(folder, 'cgroup.subtree_control'), controllers);
        // The pod's own folder goes with the pod; those above it stay.
        this.#made.add(folder);
      }
      folder = path.join(folder, part);
      mkdirSync(folder, { recursive: true });
    }
  }

  #write(group: string, file: string, value: string): void {
    writeFileSync(path.join(this.#mountPoint, group, file), value);
  }

  async #trees(): Promise<readonly string[]> {
    if (this.isUnified) return [this.#mountPoint];
    const names = await readdir(this.#mountPoint);
    return names.map((name) => path.join(this.#mountPoint, name));
  }

  async #removeTree(folder: string): Promise<void> {
    if (!existsSync(folder)) return;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (entry.isDirectory()) await this.#removeTree(path.join(folder, entry.name));
    }
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + REMOVE_DEADLINE_MS;
    for (;;) {
      try {
        return await rmdir(folder);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'ENOENT') return;
        if (code !== 'EBUSY' || clock.monotonicMs() >= deadlineMs) throw error;
        await clock.after(REMOVE_RETRY_MS);
      }
    }
  }
}
