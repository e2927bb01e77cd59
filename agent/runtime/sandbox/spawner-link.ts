/**
 * The connection to the node's spawner, kept up: it starts a spawner when none answers, subscribes to
 * its events, and does both again when the connection is lost.
 */

import type { Logger } from '../../../base/logger.ts';
import { CriError } from '../../../proto/cri/rpcs.ts';
import { type SpawnerClient, SpawnerError } from '../spawner/client.ts';
import type { ContainerState, SandboxNamespaces, SpawnerEvent } from '../spawner/protocol.ts';

export interface SpawnerObserver {
  /** Everything the spawner knows, before the first event of this connection is passed on. */
  onConnected(
    containers: readonly ContainerState[],
    sandboxes: readonly SandboxNamespaces[],
  ): Promise<void>;
  onEvent(event: SpawnerEvent): void;
}

export class SpawnerLink {
  readonly #connect: () => Promise<SpawnerClient>;
  readonly #logger: Logger;
  #client: SpawnerClient | undefined;

  /** `connect` starts a spawner when there is none. */
  constructor(connect: () => Promise<SpawnerClient>, logger: Logger) {
    this.#connect = connect;
    this.#logger = logger;
  }

  /** Throws a CriError with UNAVAILABLE while there is no connection. */
  get client(): SpawnerClient {
    if (this.#client === undefined) throw new CriError('UNAVAILABLE', 'the spawner is not there');
    return this.#client;
  }

  /** Returns when the signal is aborted; `onReady` is called once, after the first synchronisation. */
  async run(signal: AbortSignal, observer: SpawnerObserver, onReady: () => void): Promise<void> {
    while (!signal.aborted) {
      const client = await this.#connect();
      const close = (): void => client.close();
      signal.addEventListener('abort', close, { once: true });
      try {
        await this.#synchronise(client, observer);
        onReady();
        await client.closed;
        if (!signal.aborted) this.#logger.warn('Lost the spawner');
      } catch (error) {
        // Lost again before it was synchronised: the next round tries anew.
        if (!(error instanceof SpawnerError && error.kind === 'disconnected')) throw error;
      } finally {
        this.#client = undefined;
        signal.removeEventListener('abort', close);
        client.close();
      }
    }
  }

  async #synchronise(client: SpawnerClient, observer: SpawnerObserver): Promise<void> {
    const early: SpawnerEvent[] = [];
    let isSynchronised = false;
    const containers = await client.subscribe((event) => {
      if (isSynchronised) observer.onEvent(event);
      else early.push(event);
    });
    const sandboxes = await client.request('listSandboxes', {});
    this.#client = client;
    await observer.onConnected(containers, sandboxes);
    isSynchronised = true;
    for (const event of early) observer.onEvent(event);
  }
}

/** A failure of the spawner as the gRPC status that a client understands. */
export function criErrorOf(error: SpawnerError): CriError {
  const codes = {
    'not-found': 'NOT_FOUND',
    'wrong-state': 'FAILED_PRECONDITION',
    invalid: 'INVALID_ARGUMENT',
    'start-failed': 'UNKNOWN',
    internal: 'INTERNAL',
    disconnected: 'UNAVAILABLE',
  } as const;
  return new CriError(codes[error.kind], error.message, { cause: error });
}

/** What the spawner fails with, as the CRI's error. */
export async function asCri<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof SpawnerError ? criErrorOf(error) : error;
  }
}
