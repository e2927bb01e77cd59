/**
 * Brings records and reality together whenever the runtime has connected to the spawner: after its own
 * restart, and after the spawner's. Exits that nobody saw are learnt, half-made things are taken apart,
 * and what has no record is removed. Nothing is ever started here.
 */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SpawnerError } from '../spawner/client.ts';
import type { ContainerState, SandboxNamespaces } from '../spawner/protocol.ts';
import { type ContainerRecord, lost } from '../store/container-record.ts';
import type { SandboxRecord } from '../store/sandbox-record.ts';
import type { Containers } from './containers.ts';
import type { Runtime } from './runtime.ts';
import type { Sandboxes } from './sandboxes.ts';

export type ContainerRecovery = 'keep' | 'undo' | 'observe' | 'back-to-created' | 'lost';

/** Pure: what to do about a container's record, given what the spawner says of it. */
export function containerRecovery(
  record: Pick<ContainerRecord, 'phase'>,
  state: ContainerState['state'] | undefined,
): ContainerRecovery {
  switch (record.phase) {
    case 'creating':
      return 'undo';
    case 'exited':
      return 'keep';
    case 'created':
      return state === undefined || state === 'created' ? 'keep' : 'observe';
    case 'starting':
      // The spawner never got to it, and the client that asked was told of a failure.
      if (state === 'created') return 'back-to-created';
      return state === undefined ? 'lost' : 'observe';
    case 'running':
      return state === undefined || state === 'created' ? 'lost' : 'observe';
  }
}

export class Recovery {
  readonly #runtime: Runtime;
  readonly #containers: Containers;
  readonly #sandboxes: Sandboxes;

  constructor(runtime: Runtime, containers: Containers, sandboxes: Sandboxes) {
    this.#runtime = runtime;
    this.#containers = containers;
    this.#sandboxes = sandboxes;
  }

  /** What the spawner has is complete: it was asked after the last request of this connection. */
  async onConnected(
    containers: readonly ContainerState[],
    sandboxes: readonly SandboxNamespaces[],
  ): Promise<void> {
    const { state } = this.#runtime.parts;
    const states = new Map(containers.map((container) => [container.containerId, container]));
    for (const record of state.containers()) {
      if (this.#runtime.inFlight.has(record.id)) continue;
      await this.#attempt(record.id, () => this.#recover(record, states.get(record.id)));
    }
    const pinned = new Set(sandboxes.map((sandbox) => sandbox.sandboxId));
    for (const record of state.sandboxes()) {
      if (this.#runtime.inFlight.has(record.id)) continue;
      await this.#attempt(record.id, () => this.#recoverSandbox(record, pinned));
    }
    await this.#removeStrangers(states, pinned);
  }

  /** Removes what is on disk without a record. Once, before anything is made. */
  async removeLeftovers(): Promise<void> {
    const { state, images, network, dataDir, clock } = this.#runtime.parts;
    const containerIds = new Set(state.containers().map((record) => record.id));
    const sandboxIds = new Set(state.sandboxes().map((record) => record.id));
    removeOthers(path.join(dataDir, 'containers'), containerIds);
    removeOthers(path.join(dataDir, 'sandboxes'), sandboxIds);
    images.keepOnly(containerIds);
    images.removeStale(clock.wallMs());
    const attached = state.sandboxes().filter((record) => record.isNetworkAttached);
    await network.keepOnly(new Set(attached.map((record) => record.id)));
  }

  /** One thing that cannot be put right must not keep the others from it: the next start tries again. */
  async #attempt(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof SpawnerError && error.kind === 'disconnected') throw error;
      this.#runtime.parts.logger.error('Could not recover', { id, error });
    }
  }

  async #recover(record: ContainerRecord, observed: ContainerState | undefined): Promise<void> {
    switch (containerRecovery(record, observed?.state)) {
      case 'keep':
        return;
      case 'undo':
        return this.#containers.undoCreate(record);
      case 'observe':
        if (observed !== undefined) this.#containers.observe(record, observed);
        return;
      case 'back-to-created':
        this.#runtime.putContainer({ ...record, phase: 'created' });
        return;
      case 'lost':
        this.#runtime.putContainer(lost(record, this.#runtime.nowNs()));
        return;
    }
  }

  /** Without its namespaces a sandbox is over, as after a reboot. */
  async #recoverSandbox(record: SandboxRecord, pinned: ReadonlySet<string>): Promise<void> {
    if (record.phase === 'creating') return this.#sandboxes.undoRun(record);
    if (record.phase === 'ready' && !pinned.has(record.id)) {
      this.#runtime.putSandbox({ ...record, phase: 'notready' });
    }
  }

  async #removeStrangers(
    states: ReadonlyMap<string, ContainerState>,
    pinned: ReadonlySet<string>,
  ): Promise<void> {
    const { state, spawner, logger } = this.#runtime.parts;
    for (const containerId of states.keys()) {
      if (state.container(containerId) !== undefined) continue;
      logger.warn('Removed a container without a record', { container: containerId });
      await this.#attempt(containerId, async () => {
        await spawner.client.request('removeContainer', { containerId });
      });
    }
    for (const sandboxId of pinned) {
      if (state.sandbox(sandboxId) !== undefined) continue;
      logger.warn('Removed a sandbox without a record', { sandbox: sandboxId });
      await this.#attempt(sandboxId, async () => {
        await spawner.client.request('removeSandbox', { sandboxId });
      });
    }
  }
}

function removeOthers(folder: string, ids: ReadonlySet<string>): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!ids.has(name)) rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}
