/**
 * The life of containers: create, start, stop, remove. Records say what is meant to be; the spawner has
 * the processes. Every step writes its record before the spawner is asked, so that after a crash
 * recovery.ts knows what may have been left half done.
 */

import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type CreateContainerRequest, CriError } from '../../../proto/cri/rpcs.ts';
import type { LinuxContainerResources } from '../../../proto/cri/types.ts';
import { SpawnerError } from '../spawner/client.ts';
import type { ContainerState, SpawnerEvent } from '../spawner/protocol.ts';
import {
  type ContainerRecord,
  containerName,
  exited,
  failedToStart,
} from '../store/container-record.ts';
import { fieldsWithoutEffect, newContainer } from './container-spec.ts';
import { imageVolumes } from './image-volumes.ts';
import { mergedResources, updatedResources } from './resources.ts';
import type { Runtime } from './runtime.ts';
import { cgroupParentOf } from './sandboxes.ts';
import { signalNumber } from './signals.ts';
import { asCri, criErrorOf } from './spawner-link.ts';

/** A killed process is gone at once, unless it hangs in the kernel. */
const KILL_TIMEOUT_MS = 10_000;
const SIGKILL = 9;

export class Containers {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Returns its id. Nothing runs yet. */
  async create(request: CreateContainerRequest): Promise<string> {
    const sandbox = this.#runtime.parts.state.sandbox(request.pod_sandbox_id);
    if (sandbox === undefined) {
      throw new CriError('NOT_FOUND', `no sandbox with the id "${request.pod_sandbox_id}"`);
    }
    return this.#runtime.lock.run(sandbox.id, () => this.#create(sandbox.id, request));
  }

  async start(id: string): Promise<void> {
    const { sandboxId } = this.#get(id);
    await this.#runtime.lock.run(sandboxId, () => this.#start(this.#get(id)));
  }

  /** Returns when it has ended; at once when it does not run, or is unknown. */
  async stop(id: string, timeoutMs: number): Promise<void> {
    const { state } = this.#runtime.parts;
    const found = state.container(id);
    if (found === undefined) return;
    // A start under way must end first.
    await this.#runtime.lock.run(found.sandboxId, () => Promise.resolve());
    const record = state.container(found.id);
    if (record?.phase !== 'running') return;
    if (timeoutMs > 0) {
      await this.#signal(record.id, signalNumber(record.stopSignal) ?? SIGKILL);
      if (await this.#runtime.waitForExit(record.id, timeoutMs)) return;
    }
    await this.kill(record.id);
  }

  /** Sends SIGKILL and waits for the end. */
  async kill(id: string): Promise<void> {
    const phase = this.#runtime.parts.state.container(id)?.phase;
    if (phase !== 'running' && phase !== 'starting') return;
    await this.#signal(id, SIGKILL);
    if (await this.#runtime.waitForExit(id, KILL_TIMEOUT_MS)) return;
    throw new CriError('DEADLINE_EXCEEDED', `container ${id} did not end after SIGKILL`);
  }

  /** Kills it first when it runs. Unknown: done already. */
  async remove(id: string): Promise<void> {
    const record = this.#runtime.parts.state.container(id);
    if (record === undefined) return;
    await this.#runtime.lock.run(record.sandboxId, () => this.removeLocked(record.id));
  }

  /** The same for whoever holds the sandbox's lock. */
  async removeLocked(id: string): Promise<void> {
    const { state, spawner, images } = this.#runtime.parts;
    if (state.container(id) === undefined) return;
    await this.kill(id);
    await asCri(spawner.client.request('removeContainer', { containerId: id }));
    rmSync(this.#runtime.containerFolder(id), { recursive: true, force: true });
    images.release(id);
    const record = state.container(id);
    if (record !== undefined) this.#runtime.deleteContainer(record);
  }

  /** When a limit is refused, none has changed. */
  async update(id: string, resources: LinuxContainerResources): Promise<void> {
    const record = this.#get(id);
    await this.#runtime.lock.run(record.sandboxId, async () => {
      const { spawner } = this.#runtime.parts;
      const merged = mergedResources(this.#get(id).resources, resources);
      const changed = updatedResources(resources, merged);
      const update = { containerId: record.id, resources: changed };
      await asCri(spawner.client.request('updateContainer', update));
      this.#runtime.putContainer({ ...this.#get(id), resources: merged });
    });
  }

  /** What the spawner says has happened. */
  onEvent({ container }: SpawnerEvent): void {
    const record = this.#runtime.parts.state.container(container.containerId);
    if (record !== undefined) this.observe(record, container);
  }

  /** Brings the record up to what the spawner says of it. */
  observe(record: ContainerRecord, { state, started, exit }: ContainerState): void {
    if (record.phase === 'exited' || record.phase === 'creating' || state === 'created') return;
    const running: ContainerRecord = {
      ...record,
      phase: 'running',
      startedAtNs: started?.startedAtNs ?? record.startedAtNs,
    };
    if (state === 'running') {
      if (record.phase !== 'running') this.#runtime.putContainer(running);
      return;
    }
    if (exit === undefined) return;
    const ended = exited(running, exit);
    this.#runtime.putContainer(exit.isUnknown === true ? { ...ended, reason: 'Unknown' } : ended);
  }

  /** Takes a container apart that was never shown to anybody. */
  async undoCreate(record: ContainerRecord): Promise<void> {
    const { spawner, images } = this.#runtime.parts;
    await spawner.client.request('removeContainer', { containerId: record.id });
    rmSync(this.#runtime.containerFolder(record.id), { recursive: true, force: true });
    images.release(record.id);
    this.#runtime.deleteContainer(record);
  }

  async #create(sandboxId: string, { config }: CreateContainerRequest): Promise<string> {
    const { state, images, spawner, logger } = this.#runtime.parts;
    const sandbox = state.sandbox(sandboxId);
    if (sandbox?.phase !== 'ready') {
      throw new CriError('FAILED_PRECONDITION', `sandbox ${sandboxId} is not ready`);
    }
    if (config?.metadata?.name === undefined || config.metadata.name === '') {
      throw new CriError('INVALID_ARGUMENT', 'the container has no name');
    }
    const name = containerName(config.metadata, sandbox.metadata);
    const owner = state.ownerOf(`container ${name}`);
    if (owner !== undefined) {
      throw new CriError('ALREADY_EXISTS', `the name "${name}" is reserved for container ${owner}`);
    }
    const reference = config.image?.image ?? '';
    const image = images.find(reference);
    const id = this.#runtime.newId();
    const volumes = imageVolumes(config.mounts, images);
    const mounted = [...volumes.values()].map((volume) => volume.image);
    if (image === undefined || !images.use(id, image, mounted)) {
      throw new CriError('NOT_FOUND', `image "${reference}" is not present`);
    }
    const folder = this.#runtime.containerFolder(id);
    let record: ContainerRecord | undefined;
    this.#runtime.inFlight.add(id);
    try {
      const made = newContainer({
        id,
        config,
        sandbox,
        image,
        lowers: images.lowerFolders(image),
        imageMounts: images.hostMounts(image),
        volumes: new Map(
          [...volumes].map(([mount, volume]) => {
            const lowers = images.lowerFolders(volume.image);
            return [mount, { ...volume, lowers }];
          }),
        ),
        folder,
        sandboxFolder: this.#runtime.sandboxFolder(sandbox.id),
        cgroupParent: cgroupParentOf(sandbox, this.#runtime.parts.cgroupRoot),
        nowNs: this.#runtime.nowNs(),
      });
      record = made.record;
      this.#runtime.putContainer(record);
      mkdirSync(made.spec.rootfs.upper, { recursive: true, mode: 0o755 });
      mkdirSync(made.spec.rootfs.work, { recursive: true, mode: 0o700 });
      if (volumes.size > 0) mkdirSync(path.join(folder, 'empty'), { mode: 0o755 });
      if (record.logPath !== '') mkdirSync(path.dirname(record.logPath), { recursive: true });
      for (const mount of made.spec.mounts) ensureSource(mount);
      await asCri(spawner.client.request('createContainer', made.spec));
      this.#runtime.putContainer({ ...record, phase: 'created' });
      const fields = fieldsWithoutEffect(config);
      if (fields.length > 0)
        logger.warn('Accepted fields without effect', { container: id, fields });
      return id;
    } catch (error) {
      if (record === undefined) images.release(id);
      else await this.#undoAfterFailure(record);
      throw error;
    } finally {
      this.#runtime.inFlight.delete(id);
    }
  }

  async #start(record: ContainerRecord): Promise<void> {
    const { state, spawner } = this.#runtime.parts;
    if (record.phase !== 'created') {
      throw new CriError('FAILED_PRECONDITION', `container ${record.id} is ${record.phase}`);
    }
    if (state.sandbox(record.sandboxId)?.phase !== 'ready') {
      throw new CriError('FAILED_PRECONDITION', `sandbox ${record.sandboxId} is not ready`);
    }
    const starting: ContainerRecord = { ...record, phase: 'starting' };
    this.#runtime.putContainer(starting);
    try {
      const started = await spawner.client.request('startContainer', { containerId: record.id });
      // The exit of a short process may have been seen already.
      const now = this.#get(record.id);
      if (now.phase === 'starting') {
        this.#runtime.putContainer({ ...now, phase: 'running', startedAtNs: started.startedAtNs });
      }
    } catch (error) {
      if (!(error instanceof SpawnerError)) throw error;
      // After a lost connection, the next one tells whether it runs.
      if (error.kind !== 'disconnected' && error.kind !== 'wrong-state') {
        const failed = failedToStart(starting, error.message, this.#runtime.nowNs());
        this.#runtime.putContainer(failed);
      }
      throw criErrorOf(error);
    }
  }

  async #signal(containerId: string, signal: number): Promise<void> {
    const isForAll = signal === SIGKILL;
    const { spawner } = this.#runtime.parts;
    await asCri(spawner.client.request('signalContainer', { containerId, signal, isForAll }));
  }

  /** When even that fails, the record stays in `creating`, and the next start of the runtime undoes it. */
  async #undoAfterFailure(record: ContainerRecord): Promise<void> {
    try {
      await this.undoCreate(record);
    } catch (error) {
      this.#runtime.parts.logger.warn('Left a half-made container for later', {
        container: record.id,
        error,
      });
    }
  }

  #get(id: string): ContainerRecord {
    const record = this.#runtime.parts.state.container(id);
    if (record === undefined || record.phase === 'creating') {
      throw new CriError('NOT_FOUND', `no container with the id "${id}"`);
    }
    return record;
  }
}

/** As other runtimes: a host path that is missing becomes a folder. */
function ensureSource(mount: { readonly kind: string; readonly source?: string }): void {
  if (mount.source === undefined) return;
  try {
    mkdirSync(mount.source, { recursive: true, mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
