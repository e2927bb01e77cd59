/** Listens on the spawner's socket and keeps its clients. */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import net from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { Connection } from './connection.ts';
import type { SpawnerEvent } from './protocol.ts';
import type { Spawner } from './spawner.ts';

export class SpawnerServer {
  readonly #spawner: Spawner;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connections = new Set<Connection>();
  readonly #shutdown = new AbortController();
  readonly #sockets = new Set<net.Socket>();

  constructor(spawner: Spawner, clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#spawner = spawner;
    this.#logger = logger;
  }

  emit(event: SpawnerEvent): void {
    for (const connection of this.#connections) connection.emit(event);
  }

  /**
   * Only the owner may connect: the umask is set before. Returns, with everything closed, when it is
   * aborted or a client has asked for the shutdown.
   */
  async run(socketPath: string, signal: AbortSignal): Promise<void> {
    rmSync(socketPath, { force: true });
    const server = net.createServer((socket) => this.#accept(socket));
    server.listen(socketPath);
    await once(server, 'listening');
    this.#logger.info('Listened', { socketPath });
    const stop = AbortSignal.any([signal, this.#shutdown.signal]);
    if (!stop.aborted) await once(stop, 'abort');
    server.close();
    for (const socket of this.#sockets) socket.end();
    await once(server, 'close');
  }

  #accept(socket: net.Socket): void {
    const parts = { clock: this.#clock, logger: this.#logger };
    const connection = new Connection(socket, this.#spawner, parts, () => this.#shutdown.abort());
    this.#connections.add(connection);
    this.#sockets.add(socket);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      this.#sockets.delete(socket);
    });
  }
}
