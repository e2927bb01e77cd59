/**
 * A client of exec or attach that speaks SPDY/3.1: one stream for each standard stream, one for the
 * outcome and one for the terminal's sizes, told apart by their header `streamType`.
 *
 * Source: kubernetes kubelet cri/streaming/remotecommand/httpstream.go; client-go remotecommand v1..v4.
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { SpdyConnection } from '../../../proto/spdy/connection.ts';
import type { SpdyStream } from '../../../proto/spdy/stream.ts';
import type { TerminalSize } from '../spawner/protocol.ts';
import type { StdioSession } from '../spawner/stdio-session.ts';
import type { RemoteClient, Streams } from './carry.ts';
import { type Outcome, outcomeMessage } from './outcome.ts';
import { TerminalSizes } from './terminal-sizes.ts';
import { IDLE_TIMEOUT_MS, STREAM_CREATION_TIMEOUT_MS } from './timeouts.ts';

/** What servers call themselves, the best first; `X-Stream-Protocol-Version`. */
export const SPDY_COMMAND_PROTOCOLS = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
] as const;
export type SpdyCommandProtocol = (typeof SPDY_COMMAND_PROTOCOLS)[number];

/** Clients close when they have read the outcome: this is for those that wait for the server. */
const CLIENT_CLOSE_MS = 2_000;
const GOAWAY_MS = 10_000;

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

export class SpdyClient implements RemoteClient {
  readonly closed: Promise<void>;
  readonly #connection: SpdyConnection;
  readonly #run: Promise<void>;
  readonly #clock: Clock;
  readonly #protocol: SpdyCommandProtocol;
  readonly #expected: ReadonlySet<string>;
  readonly #streams = new Map<StreamType, SpdyStream>();
  readonly #complete = Promise.withResolvers<boolean>();
  readonly #sized = Promise.withResolvers<void>();
  #size: TerminalSize | undefined;
  #session: StdioSession | undefined;

  constructor(
    transport: Duplex,
    clock: Clock,
    options: { readonly protocol: SpdyCommandProtocol; readonly streams: Streams },
  ) {
    this.#clock = clock;
    this.#protocol = options.protocol;
    this.#expected = expectedStreams(options.streams, options.protocol);
    this.#connection = new SpdyConnection({
      transport,
      clock,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      onStream: (stream) => this.#take(stream),
    });
    this.#run = this.#connection.run();
    this.#run.catch(() => undefined); // Whoever closes hears of it.
    this.closed = this.#connection.gone;
    void this.closed.then(() => this.#complete.resolve(false));
  }

  /** False when the client has not opened in time what it had asked for; it is gone then. */
  async opened(): Promise<boolean> {
    const timer = new AbortController();
    const timeout = this.#clock.after(STREAM_CREATION_TIMEOUT_MS, timer.signal).then(() => false);
    const isComplete = await Promise.race([this.#complete.promise, timeout]);
    timer.abort();
    if (!isComplete) await this.#close(0);
    const resize = this.#streams.get('resize');
    if (isComplete && resize !== undefined) void this.#pumpSizes(resize);
    return isComplete;
  }

  async firstSize(): Promise<TerminalSize | undefined> {
    if (this.#streams.has('resize')) await Promise.race([this.#sized.promise, this.closed]);
    return this.#size;
  }

  async write(type: 'stdout' | 'stderr', chunk: Buffer): Promise<void> {
    await this.#streams.get(type)?.write(chunk);
  }

  receive(session: StdioSession): void {
    const stdin = this.#streams.get('stdin');
    if (stdin !== undefined) void pumpInput(stdin, session);
    this.#session = session;
    if (this.#size !== undefined) session.resize(this.#size);
  }

  async finish(outcome: Outcome): Promise<void> {
    const form = this.#protocol === 'v4.channel.k8s.io' ? 'status' : 'text';
    const text = outcomeMessage(outcome, form);
    this.#streams.get('stdin')?.discard();
    const ends = ['stdout', 'stderr'] as const;
    await Promise.all(ends.map((type) => this.#streams.get(type)?.end()));
    const error = this.#streams.get('error');
    if (text !== '') await error?.write(Buffer.from(text));
    await Promise.all([...this.#streams.values()].map((stream) => stream.end()));
    await this.#close(CLIENT_CLOSE_MS);
  }

  /** Only the last size counts, whether or not there is a session to tell. */
  async #pumpSizes(stream: SpdyStream): Promise<void> {
    const sizes = new TerminalSizes();
    for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
      const size = sizes.push(chunk);
      if (size === undefined) continue;
      this.#size = size;
      this.#sized.resolve();
      this.#session?.resize(size);
    }
    this.#sized.resolve();
  }

  async #close(graceMs: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([this.closed, this.#clock.after(graceMs, timer.signal)]);
    timer.abort();
    await this.#connection.close(GOAWAY_MS);
    await this.#run;
  }

  #take(stream: SpdyStream): boolean {
    const type = stream.headers.get('streamtype') ?? '';
    if (!this.#expected.has(type) || this.#streams.has(type as StreamType)) return false;
    this.#streams.set(type as StreamType, stream);
    if (this.#streams.size === this.#expected.size) this.#complete.resolve(true);
    return true;
  }
}

function expectedStreams(streams: Streams, protocol: SpdyCommandProtocol): ReadonlySet<string> {
  const { stdin, stdout, stderr, tty } = streams;
  const hasResize = protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io';
  const types: readonly (readonly [StreamType, boolean])[] = [
    ['error', true],
    ['stdin', stdin],
    ['stdout', stdout],
    ['stderr', stderr && !tty],
    ['resize', tty && hasResize],
  ];
  return new Set(types.filter(([, isAsked]) => isAsked).map(([type]) => type));
}

async function pumpInput(stream: SpdyStream, session: StdioSession): Promise<void> {
  const { stdin } = session;
  for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
    if (stdin.destroyed || stdin.writableEnded) return stream.discard();
    if (stdin.write(chunk)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    // The process may end while the client still writes.
    stdin.once('drain', resolve).once('close', resolve);
    await promise;
    stdin.off('drain', resolve).off('close', resolve);
  }
  if (!stream.isReset && !stdin.destroyed) stdin.end();
}
