/**
 * What the parts of the runtime share, and the one way in which a record changes: on disk first, then
 * in memory, then to those who listen for events or wait for an exit.
 */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { ContainerEventType } from '../../../proto/cri/types.ts';
import type { CgroupStats } from '../cgroup/stats.ts';
import { containerStatusMessage, sandboxStatusMessage } from '../cri/messages.ts';
import type { ImagePuller } from '../image/image-puller.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { PodNetwork } from '../network/pod-network.ts';
import type { ContainerRecord } from '../store/container-record.ts';
import type { RuntimeState } from '../store/runtime-state.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';
import { CpuRates } from './cpu-rates.ts';
import { type DiskUsage, DiskUsages } from './disk-usage.ts';
import type { EventHub } from './event-hub.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { SpawnerLink } from './spawner-link.ts';

export interface RuntimeParts {
  readonly state: RuntimeState;
  readonly spawner: SpawnerLink;
  readonly images: ImageStore;
  readonly puller: ImagePuller;
  readonly network: PodNetwork;
  readonly events: EventHub;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where containers have their writable layers, and sandboxes their files. */
  readonly dataDir: string;
  /** What a cgroup uses; undefined when there is none. */
  readonly readUsage: (cgroup: string) => CgroupStats | undefined;
  /** For sandboxes whose request names no cgroup parent. */
  readonly cgroupRoot: string;
}

export class Runtime {
  readonly parts: RuntimeParts;
  /** Held, by sandbox id, while the sandbox or one of its containers is made, started or removed. */
  readonly lock = new KeyedLock();
  /** Ids whose making is under way: a record in the phase `creating` belongs to somebody. */
  readonly inFlight = new Set<string>();
  readonly cpuRates: CpuRates;
  readonly #disks: DiskUsages;
  readonly #exitWaiters = new Map<string, PromiseWithResolvers<void>>();

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.cpuRates = new CpuRates(parts.clock);
    this.#disks = new DiskUsages(parts.clock);
  }

  /** Nanoseconds since the epoch, as the CRI has all its times. */
  nowNs(): string {
    return nanoseconds(this.parts.clock.wallMs());
  }

  newId(): string {
    return randomBytes(32).toString('hex');
  }

  containerFolder(id: string): string {
    return path.join(this.parts.dataDir, 'containers', id);
  }

  /** Above the layers of the image, what the container has written. */
  writableLayer(id: string): string {
    return path.join(this.containerFolder(id), 'upper');
  }

  /** Undefined when it is large and nobody has asked before. */
  async writableLayerUsage(
    id: string,
  ): Promise<(DiskUsage & { readonly atNs: string }) | undefined> {
    const usage = await this.#disks.of(this.writableLayer(id));
    return usage && { ...usage, atNs: nanoseconds(usage.atMs) };
  }

  sandboxFolder(id: string): string {
    return path.join(this.parts.dataDir, 'sandboxes', id);
  }

  putContainer(record: ContainerRecord): void {
    const { state } = this.parts;
    const before = state.container(record.id)?.phase;
    state.putContainer(record);
    if (before === record.phase) return;
    if (record.phase === 'created' && before === 'creating') {
      this.#publish('CONTAINER_CREATED_EVENT', record.id, record.sandboxId);
    } else if (record.phase === 'running') {
      this.#publish('CONTAINER_STARTED_EVENT', record.id, record.sandboxId);
    } else if (record.phase === 'exited') {
      this.#exitWaiters.get(record.id)?.resolve();
      this.#exitWaiters.delete(record.id);
      this.#publish('CONTAINER_STOPPED_EVENT', record.id, record.sandboxId);
    }
  }

  deleteContainer(record: ContainerRecord): void {
    this.parts.state.deleteContainer(record.id);
    this.cpuRates.forget(record.cgroupPath);
    this.#disks.forget(this.writableLayer(record.id));
    this.#exitWaiters.get(record.id)?.resolve();
    this.#exitWaiters.delete(record.id);
    if (record.phase === 'creating') return;
    this.#publish('CONTAINER_DELETED_EVENT', record.id, record.sandboxId);
  }

  putSandbox(record: SandboxRecord): void {
    const { state } = this.parts;
    const before = state.sandbox(record.id)?.phase;
    state.putSandbox(record);
    if (before === record.phase) return;
    if (record.phase === 'ready') {
      this.#publish('CONTAINER_CREATED_EVENT', record.id, record.id);
      this.#publish('CONTAINER_STARTED_EVENT', record.id, record.id);
    } else if (record.phase === 'notready') {
      this.#publish('CONTAINER_STOPPED_EVENT', record.id, record.id);
    }
  }

  deleteSandbox(record: SandboxRecord): void {
    this.parts.state.deleteSandbox(record.id);
    if (record.phase !== 'creating') this.#publish('CONTAINER_DELETED_EVENT', record.id, record.id);
  }

  /** True when the container has ended, or is gone, within the time. */
  async waitForExit(id: string, timeoutMs: number): Promise<boolean> {
    const isOver = (): boolean => {
      const phase = this.parts.state.container(id)?.phase;
      return phase !== 'running' && phase !== 'starting';
    };
    if (isOver()) return true;
    const waiter = this.#exitWaiters.get(id) ?? Promise.withResolvers<void>();
    this.#exitWaiters.set(id, waiter);
    const timer = new AbortController();
    await Promise.race([waiter.promise, this.parts.clock.after(timeoutMs, timer.signal)]);
    timer.abort();
    return isOver();
  }

  #publish(type: ContainerEventType, id: string, sandboxId: string): void {
    const { events, state } = this.parts;
    if (!events.hasListeners) return;
    const sandbox = state.sandbox(sandboxId);
    events.publish({
      container_id: id,
      container_event_type: type,
      created_at: this.nowNs(),
      pod_sandbox_status: sandbox === undefined ? null : sandboxStatusMessage(sandbox),
      containers_statuses: state
        .containersOf(sandboxId)
        .filter((container) => container.phase !== 'creating')
        .map(containerStatusMessage),
    });
  }
}

function nanoseconds(ms: number): string {
  return `${BigInt(Math.floor(ms))}000000`;
}
