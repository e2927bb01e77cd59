/**
 * The CRI server's side of the spawner's socket: requests with promises, events, and sessions with the
 * standard streams of a process. It neither starts a spawner (launch.ts) nor connects again: when the
 * connection is lost, everything pending rejects, `closed` resolves, and a new client is made.
 */

import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { LineReader } from './line-reader.ts';
import {
  type AttachRequest,
  type ContainerState,
  type EventLine,
  type ExecRequest,
  type FailureKind,
  LINE_BYTES_MAX,
  type Method,
  type Requests,
  type ResponseLine,
  SOCKET_NAME,
  type SpawnerEvent,
} from './protocol.ts';
import { StdioSession } from './stdio-session.ts';

/** The spawner refused, or could not do it. */
export class SpawnerError extends Error {
  readonly kind: FailureKind | 'disconnected';

  constructor(message: string, options: ErrorOptions & { kind: FailureKind | 'disconnected' }) {
    super(message, options);
    this.name = 'SpawnerError';
    this.kind = options.kind;
  }
}

type Pending = PromiseWithResolvers<unknown>;

export class SpawnerClient {
  readonly #socketPath: string;
  readonly #socket: net.Socket;
  readonly #lines = new LineReader(LINE_BYTES_MAX);
  readonly #pending = new Map<number, Pending>();
  readonly #closed = Promise.withResolvers<void>();
  #lastId = 0;
  #onEvent: ((event: SpawnerEvent) => void) | undefined;

  /** Connects to the spawner of a run folder; fails with `disconnected` when none listens. */
  static async connect(runDir: string): Promise<SpawnerClient> {
    const socketPath = path.join(runDir, SOCKET_NAME);
    return new SpawnerClient(socketPath, await connectTo(socketPath));
  }

  private constructor(socketPath: string, socket: net.Socket) {
    this.#socketPath = socketPath;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined); // Followed by `close`.
    socket.on('close', () => this.#end());
  }

  /** Resolves when the connection is gone, by whichever side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Rejects with a SpawnerError. */
  request<M extends Exclude<Method, 'exec' | 'attach' | 'subscribe'>>(
    method: M,
    params: Requests[M]['params'],
  ): Promise<Requests[M]['result']> {
    return this.#request(method, params);
  }

  /**
   * Returns all containers as they are now; from then on, each change calls back, in order. Once a
   * connection.
   */
  subscribe(onEvent: (event: SpawnerEvent) => void): Promise<readonly ContainerState[]> {
    this.#onEvent = onEvent;
    return this.#request('subscribe', {});
  }

  /**
   * Starts a process in a running container. It is killed when the session is closed before it ended.
   */
  async exec(request: ExecRequest): Promise<StdioSession> {
    return this.#openSession('exec', request);
  }

  /** Joins the standard streams of a running container; nothing of the past is repeated. */
  async attach(request: AttachRequest): Promise<StdioSession> {
    return this.#openSession('attach', request);
  }

  async #request<M extends Method>(
    method: M,
    params: Requests[M]['params'],
  ): Promise<Requests[M]['result']> {
    if (this.#socket.destroyed) throw disconnected();
    this.#lastId += 1;
    const id = this.#lastId;
    const pending: Pending = Promise.withResolvers();
    this.#pending.set(id, pending);
    this.#socket.write(`${JSON.stringify({ id, method, params })}\n`);
    return (await pending.promise) as Requests[M]['result'];
  }

  async #openSession(
    method: 'exec' | 'attach',
    params: ExecRequest | AttachRequest,
  ): Promise<StdioSession> {
    const socket = await connectTo(this.#socketPath);
    socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
    const lines = new LineReader(LINE_BYTES_MAX);
    let line: string | undefined;
    while (line === undefined) {
      const chunk = await readChunk(socket);
      lines.push(chunk);
      line = lines.next();
    }
    const response = JSON.parse(line) as ResponseLine;
    if ('failure' in response) {
      socket.destroy();
      throw new SpawnerError(response.failure.message, response.failure);
    }
    return new StdioSession(socket, lines.takeRest());
  }

  #read(chunk: Buffer): void {
    this.#lines.push(chunk);
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const message = JSON.parse(line) as ResponseLine | EventLine;
      if ('event' in message) this.#onEvent?.(message.event);
      else this.#settle(message);
    }
  }

  #settle(response: ResponseLine): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if ('failure' in response) {
      pending?.reject(new SpawnerError(response.failure.message, response.failure));
    } else pending?.resolve(response.result);
  }

  #end(): void {
    for (const pending of this.#pending.values()) pending.reject(disconnected());
    this.#pending.clear();
    this.#closed.resolve();
  }
}

async function connectTo(socketPath: string): Promise<net.Socket> {
  const socket = net.connect(socketPath);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new SpawnerError(`No spawner listens at ${socketPath}`, { kind: 'disconnected', cause });
  }
  return socket;
}

/** One chunk, with the socket paused afterwards so that nothing is lost to whoever reads next. */
async function readChunk(socket: net.Socket): Promise<Buffer> {
  const chunk = Promise.withResolvers<Buffer>();
  const end = (): void => chunk.reject(disconnected());
  const take = (data: Buffer): void => {
    socket.pause();
    chunk.resolve(data);
  };
  socket.once('data', take).once('close', end);
  socket.on('error', () => undefined); // Followed by `close`.
  socket.resume();
  try {
    return await chunk.promise;
  } finally {
    socket.off('data', take).off('close', end);
  }
}

function disconnected(): SpawnerError {
  return new SpawnerError('The connection to the spawner is gone', { kind: 'disconnected' });
}
