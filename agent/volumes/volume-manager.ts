/**
 * The volumes of the pods of this node: makes what their containers mount, keeps configMap, secret,
 * downwardAPI, projected volumes up to date, and takes everything away with the pod. Kinds that
 * need a storage system are refused by name.
 */

import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Pod, Volume } from '../../proto/api/gen/core-v1.ts';
import { quantityToBytes } from '../../proto/api/quantity.ts';
import type { AgentPaths } from '../agent-paths.ts';
import type { NodeAllocatable } from '../environment/field-value.ts';
import { volumeKind } from '../pod/unsupported.ts';
import { type Payload, writePayload } from './atomic-writer.ts';
import { setUpHostPath } from './host-path.ts';
import type { Mounts } from './mounts.ts';
import {
  configMapPayload,
  downwardPayload,
  type ProjectionSources,
  projectedPayload,
  secretPayload,
  VolumeError,
} from './projections.ts';

export interface VolumeManagerOptions {
  readonly paths: AgentPaths;
  readonly mounts: Mounts;
  readonly sources: ProjectionSources & { forget(uid: string): void };
  readonly allocatable: NodeAllocatable;
}

/** The host's path of each volume of a pod, by name. */
export type VolumePaths = ReadonlyMap<string, string>;

export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  #tmpfs: Promise<void> | undefined;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  /** Idempotent: makes what is missing and updates the rest. Fails with what can't be made. */
  async setUp(pod: Pod): Promise<VolumePaths> {
    const { volumes = [] } = pod.spec;
    const paths = await Promise.all(volumes.map((volume) => this.#setUpOne(pod, volume)));
    return new Map(volumes.map(({ name }, index) => [name, paths[index] ?? '']));
  }

  /** After it nothing of the pod's volumes is left. Idempotent. */
  async tearDown(uid: string): Promise<void> {
    const { paths, mounts, sources } = this.#options;
    sources.forget(uid);
    await mounts.unmountBelow(paths.pod(uid));
    await rm(paths.pod(uid), { recursive: true, force: true });
    await rm(path.join(paths.tmpfs, uid), { recursive: true, force: true });
  }

  async #setUpOne(pod: Pod, volume: Volume): Promise<string> {
    const input = {
      pod,
      sources: this.#options.sources,
      allocatable: this.#options.allocatable,
    };
    if (volume.emptyDir !== undefined) return this.#emptyDir(pod, volume.name, volume.emptyDir);
    if (volume.hostPath !== undefined) return setUpHostPath(volume.hostPath);
    if (volume.configMap !== undefined) {
      const { defaultMode } = volume.configMap;
      return this.#write(pod, volume, await configMapPayload(input, volume.configMap, defaultMode));
    }
    if (volume.secret !== undefined) {
      const { secretName = '', ...rest } = volume.secret;
      const payload = await secretPayload(input, { name: secretName, ...rest }, rest.defaultMode);
      return this.#write(pod, volume, payload);
    }
    if (volume.downwardAPI !== undefined) {
      const { items = [], defaultMode } = volume.downwardAPI;
      return this.#write(pod, volume, downwardPayload(input, items, defaultMode));
    }
    if (volume.projected !== undefined) {
      const { sources = [], defaultMode } = volume.projected;
      return this.#write(pod, volume, await projectedPayload(input, sources, defaultMode));
    }
    throw new VolumeError(`volume "${volume.name}": ${volumeKind(volume)} is not supported`);
  }

  async #emptyDir(
    pod: Pod,
    name: string,
    source: NonNullable<Volume['emptyDir']>,
  ): Promise<string> {
    const { paths, mounts } = this.#options;
    const folder = paths.volume(pod.metadata.uid, name);
    const made = mkdirSync(folder, { recursive: true });
    if (source.medium === 'Memory') {
      const size = source.sizeLimit === undefined ? 0 : quantityToBytes(source.sizeLimit);
      await mounts.mountTmpfs(folder, '0777', size);
    } else if (source.medium !== undefined && source.medium !== '') {
      throw new VolumeError(`volume "${name}": emptyDir medium ${source.medium} is not supported`);
    }
    if (made === undefined) return folder;
    const group = pod.spec.securityContext?.fsGroup;
    if (group !== undefined) chownSync(folder, 0, group);
    chmodSync(folder, group === undefined ? 0o777 : 0o2777);
    return folder;
  }

  /** On a tmpfs: what comes from the API, secrets above all, never reaches the disk. */
  async #write(pod: Pod, volume: Volume, payload: Payload): Promise<string> {
    await this.#mountTmpfs();
    const folder = path.join(this.#options.paths.tmpfs, pod.metadata.uid, volume.name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    await writePayload(folder, payload, pod.spec.securityContext?.fsGroup);
    return folder;
  }

  /** One for the node: a mount for each volume would cost each pod some milliseconds. */
  #mountTmpfs(): Promise<void> {
    this.#tmpfs ??= this.#mountTmpfsOnce().catch((error: unknown) => {
      this.#tmpfs = undefined;
      throw error;
    });
    return this.#tmpfs;
  }

  async #mountTmpfsOnce(): Promise<void> {
    const { paths, mounts } = this.#options;
    await mkdir(paths.tmpfs, { recursive: true });
    await mounts.mountTmpfs(paths.tmpfs, '0711', 0);
  }
}
