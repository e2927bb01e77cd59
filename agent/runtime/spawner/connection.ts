/** One client of the spawner: its requests in lines, or after `exec` and `attach`, in frames. */

import type net from 'node:net';
import type { Writable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { LimitError } from '../cgroup/limit-error.ts';
import type { ContainerStdio } from './container-stdio.ts';
import { encodeFrame, type Frame, FrameDecoder } from './frames.ts';
import { LineReader } from './line-reader.ts';
import type { OutputListener, ProcessOutput } from './process-output.ts';
import {
  type AttachRequest,
  type ExecRequest,
  type Failure,
  LINE_BYTES_MAX,
  type RequestLine,
  type SpawnerEvent,
  type TerminalSize,
} from './protocol.ts';
import { RequestError } from './request-error.ts';
import type { PlainMethod, Spawner } from './spawner.ts';

/** A client that does not take its events is cut off: it lists anew when it is back. */
const EVENT_BYTES_MAX = 16 * 1024 * 1024;

/** How soon a client is missed whose input is not taken. */
const KNOCK_INTERVAL_MS = 1_000;

/** Where frames go to. */
interface Session {
  readonly stdin: () => Writable | undefined;
  readonly endStdin: () => void;
  readonly resize: (size: TerminalSize) => void;
}

export class Connection {
  readonly #socket: net.Socket;
  readonly #spawner: Spawner;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onShutdown: () => void;
  readonly #lines = new LineReader(LINE_BYTES_MAX);
  readonly #frames = new FrameDecoder();
  readonly #closed = Promise.withResolvers<void>();
  /** `waiting`: `exec` or `attach` was asked, and what follows are frames that wait. */
  #mode: 'lines' | 'waiting' | Session = 'lines';
  #isSubscribed = false;

  /** `onShutdown`: called once everything is gone and the client has been told. */
  constructor(
    socket: net.Socket,
    spawner: Spawner,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
    onShutdown: () => void,
  ) {
    this.#clock = clock;
    this.#onShutdown = onShutdown;
    this.#socket = socket;
    this.#spawner = spawner;
    this.#logger = logger;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined); // Followed by `close`.
    socket.on('close', () => this.#closed.resolve());
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  emit(event: SpawnerEvent): void {
    if (!this.#isSubscribed) return;
    this.#send({ event });
    if (this.#socket.writableLength > EVENT_BYTES_MAX) this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      if (typeof this.#mode === 'object') {
        this.#readFrames(this.#mode, chunk);
        return;
      }
      this.#lines.push(chunk);
      while (this.#mode === 'lines') {
        const line = this.#lines.next();
        if (line === undefined) return;
        void this.#answer(parseRequest(line));
      }
    } catch (error) {
      this.#logger.warn('Cut off a client', { error });
      this.#socket.destroy();
    }
  }

  async #answer(request: RequestLine): Promise<void> {
    const { id, method, params } = request;
    try {
      if (method === 'exec') return await this.#exec(id, params as ExecRequest);
      if (method === 'attach') return await this.#attach(id, params as AttachRequest);
      if (method === 'subscribe') {
        this.#isSubscribed = true;
        this.#send({ id, result: this.#spawner.states() });
      } else this.#send({ id, result: await this.#spawner.handle(method as PlainMethod, params) });
      if (method === 'shutdown') this.#onShutdown();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === 'internal') this.#logger.error('Failed', { method, error });
      this.#send({ id, failure });
      if (method === 'exec' || method === 'attach') this.#socket.end();
    }
  }

  async #exec(id: number, request: ExecRequest): Promise<void> {
    this.#mode = 'waiting';
    this.#socket.pause();
    const process = await this.#spawner.exec(request);
    void this.#closed.promise.then(() => process.kill());
    this.#startSession(id, { pid: process.pid }, process.output, {
      stdin: () => process.stdin,
      // Of a terminal it is a key that ends the input, and the client has sent it.
      endStdin: () => void (request.isTty || process.stdin?.end()),
      resize: (size) => process.resize(size),
    });
    const exit = await process.wait(request.timeoutMs);
    this.#socket.end(encodeFrame('exit', Buffer.from(JSON.stringify(exit))));
  }

  async #attach(id: number, request: AttachRequest): Promise<void> {
    this.#mode = 'waiting';
    this.#socket.pause();
    const container = this.#spawner.container(request.containerId);
    const { stdio } = container.live();
    const endStdin = (): void => {
      if (request.isStdinWanted) stdio.endStdinOnce(container.spec.stdio);
    };
    const session = attachSession(stdio, request, endStdin);
    const listener = this.#startSession(id, {}, stdio.output, session);
    const ended = container.ended;
    await Promise.race([this.#closed.promise, ended]);
    stdio.output.remove(listener);
    endStdin();
    const { exit } = container.state();
    if (exit === undefined) this.#socket.destroy();
    else this.#socket.end(encodeFrame('exit', Buffer.from(JSON.stringify(exit))));
  }

  /** Answers, and from then on hands frames in both directions. */
  #startSession(
    id: number,
    result: object,
    output: ProcessOutput,
    session: Session,
  ): OutputListener {
    this.#send({ id, result });
    const listener: OutputListener = {
      take: (stream, chunk) => {
        if (this.#socket.destroyed) return true;
        return this.#socket.write(encodeFrame(stream, chunk));
      },
    };
    this.#socket.on('drain', () => output.drained(listener));
    this.#socket.on('close', () => output.remove(listener));
    output.add(listener);
    this.#mode = session;
    this.#readFrames(session, this.#lines.takeRest());
    this.#socket.resume();
    return listener;
  }

  #readFrames(session: Session, chunk: Buffer): void {
    for (const frame of this.#frames.push(chunk)) this.#takeFrame(session, frame);
  }

  #takeFrame(session: Session, { channel, payload }: Frame): void {
    if (channel === 'resize') session.resize(parseSize(payload));
    else if (channel === 'stdin-end') session.endStdin();
    else if (channel === 'stdin') {
      const stdin = session.stdin();
      if (stdin === undefined || stdin.destroyed || stdin.writableEnded) return;
      if (!stdin.write(payload)) this.#pauseUntilTaken(stdin);
    }
  }

  /** A client that is not read is not seen to leave: so it is written to, nothing at a time. */
  #pauseUntilTaken(stdin: Writable): void {
    const next = new AbortController();
    const resume = (): void => {
      next.abort();
      stdin.off('drain', resume).off('close', resume);
      this.#socket.off('close', resume).resume();
    };
    this.#socket.pause();
    stdin.once('drain', resume).once('close', resume);
    this.#socket.once('close', resume);
    void this.#knock(next.signal);
  }

  async #knock(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#clock.after(KNOCK_INTERVAL_MS, signal);
      if (signal.aborted) return;
      if (this.#socket.writableLength === 0) this.#socket.write(encodeFrame('stdout'));
    }
  }

  #send(message: object): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}

/** The container's standard input outlives an attachment and its input, unless it is open once. */
function attachSession(
  stdio: ContainerStdio,
  request: AttachRequest,
  endStdin: () => void,
): Session {
  return {
    stdin: () => (request.isStdinWanted ? stdio.stdin : undefined),
    endStdin,
    resize: (size) => stdio.resize(size),
  };
}

function parseRequest(line: string): RequestLine {
  const request: unknown = JSON.parse(line);
  const isRequest =
    typeof request === 'object' &&
    request !== null &&
    'id' in request &&
    'method' in request &&
    'params' in request;
  if (!isRequest) throw new Error('A line is not a request');
  return request as RequestLine;
}

function parseSize(payload: Buffer): TerminalSize {
  const { width, height } = JSON.parse(payload.toString()) as Partial<TerminalSize>;
  return { width: Number(width), height: Number(height) };
}

function failureOf(error: unknown): Failure {
  if (error instanceof RequestError) return { kind: error.kind, message: error.message };
  if (error instanceof LimitError) {
    return { kind: error.isBusy ? 'wrong-state' : 'invalid', message: error.message };
  }
  return { kind: 'internal', message: error instanceof Error ? error.message : String(error) };
}
