/**
 * Removes what is left of pods that the API no longer has and nobody looks after: sandboxes and
 * containers, volumes, cgroups, logs. Works only while the node's pods are known from the API: what
 * isn't known to be gone is left alone.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `HandlePodCleanups`, v1.36.
 */

import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { POD_UID_LABEL, readTermination } from '../pod/container-identity.ts';
import type { PodContext } from './pod-context.ts';

const PERIOD_MS = 30_000;
/** After a failure; the runtime may have been away. */
const RETRY_MS = 2_000;

export interface HousekeepingOptions {
  readonly context: PodContext;
  readonly clock: Clock;
  /** Resolves when the pods of this node are known. */
  readonly podsKnown: Promise<void>;
  /** The uids of the pods the API has on this node now. */
  readonly apiUids: () => ReadonlySet<string>;
  /** Whether a worker looks after the pod. */
  readonly owns: (uid: string) => boolean;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, context, podsKnown } = this.#options;
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([podsKnown.catch(() => undefined), aborted]);
    while (!signal.aborted) {
      let waitMs = PERIOD_MS;
      try {
        await this.sweep(signal);
      } catch (error) {
        waitMs = RETRY_MS;
        const isDown = error instanceof CriError && error.code === 'UNAVAILABLE';
        const level = isDown || signal.aborted ? 'debug' : 'warn';
        context.logger[level]('Could not clean up after pods', { error });
      }
      await clock.after(waitMs, signal);
    }
  }

  /** One pass. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    const { items } = await context.cri.listPodSandbox({}, { signal });
    const running = new Set(items.map(({ labels }) => labels[POD_UID_LABEL] ?? ''));
    const folders = await readdir(context.paths.pods).catch(() => []);
    const secrets = await readdir(context.paths.tmpfs).catch(() => []);
    const logs = await readdir(context.paths.logs).catch(() => []);
    const byLog = new Map(logs.map((name) => [name.slice(name.lastIndexOf('_') + 1), name]));
    const groups = await context.cgroups.list();
    const all = new Set([...running, ...folders, ...secrets, ...byLog.keys(), ...groups]);
    const orphans = [...all].filter((uid) => uid !== '' && this.#isOrphan(uid));
    await Promise.all(orphans.map((uid) => this.#remove(uid, byLog.get(uid), signal)));
  }

  #isOrphan(uid: string): boolean {
    return !this.#options.owns(uid) && !this.#options.apiUids().has(uid);
  }

  async #remove(uid: string, log: string | undefined, signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    context.logger.info('Removed an orphaned pod', { uid });
    const filter = { label_selector: { [POD_UID_LABEL]: uid } };
    const { containers } = await context.cri.listContainers({ filter }, { signal });
    await Promise.all(
      containers
        .filter(({ state }) => state === 'CONTAINER_RUNNING')
        .map(({ id, annotations }) =>
          context.cri.stopContainer(
            { container_id: id, timeout: readTermination(annotations).graceSeconds },
            { signal },
          ),
        ),
    );
    const { items } = await context.cri.listPodSandbox({ filter }, { signal });
    for (const { id } of items) {
      await context.cri.stopPodSandbox({ pod_sandbox_id: id }, { signal });
      await context.cri.removePodSandbox({ pod_sandbox_id: id }, { signal });
    }
    await context.volumes.tearDown(uid);
    await context.cgroups.remove(uid);
    if (log !== undefined) {
      await rm(path.join(context.paths.logs, log), { recursive: true, force: true });
    }
  }
}
