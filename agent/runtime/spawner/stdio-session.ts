/**
 * The client's end of the standard streams of one process: plain Node streams, with back-pressure to
 * the process in both directions, and its exit.
 */

import type net from 'node:net';
import { Readable, Writable } from 'node:stream';
import { encodeFrame, FRAME_BYTES_MAX, FrameDecoder } from './frames.ts';
import type { ProcessExit, TerminalSize } from './protocol.ts';

/**
 * Read both `stdout` and `stderr` (or `resume()` them): as long as one of them is full, nothing more is
 * taken from the process. They end before `exit` resolves.
 */
export class StdioSession {
  /** Ending it closes the standard input of the process (for `exec`). */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #socket: net.Socket;
  readonly #frames = new FrameDecoder();
  /** Streams that nobody reads at the moment. */
  readonly #full = new Set<'stdout' | 'stderr'>();
  readonly #exit = Promise.withResolvers<ProcessExit | undefined>();

  /** `early`: what of the frames came with the answer. */
  constructor(socket: net.Socket, early: Buffer) {
    this.#socket = socket;
    this.stdout = new Readable({ read: () => this.#resume('stdout') });
    this.stderr = new Readable({ read: () => this.#resume('stderr') });
    this.stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => this.#writeStdin(chunk, done),
      final: (done) => void this.#send('stdin-end', Buffer.alloc(0), () => done()),
    });
    this.stdin.on('error', () => undefined); // The process has ended; `exit` tells.
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined); // Followed by `close`.
    socket.on('close', () => this.#end(undefined));
    this.#read(early);
    socket.resume();
  }

  /**
   * How the process ended. Undefined when the connection was lost or closed before: the spawner is
   * gone, or an attachment was ended.
   */
  get exit(): Promise<ProcessExit | undefined> {
    return this.#exit.promise;
  }

  resize(size: TerminalSize): void {
    this.#send('resize', Buffer.from(JSON.stringify(size)));
  }

  /** Leaves the process (of `attach`) alone, or kills it (of `exec`). */
  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const { channel, payload } of this.#frames.push(chunk)) {
        if (channel === 'exit') this.#end(JSON.parse(payload.toString()) as ProcessExit);
        else if (channel === 'stdout' || channel === 'stderr') {
          if (this[channel].push(payload)) continue;
          this.#full.add(channel);
          this.#socket.pause();
        }
      }
    } catch {
      this.#socket.destroy(); // Not our protocol: as good as lost.
    }
  }

  /** A stream asks for more before it has given out what it holds: its length says nothing here. */
  #resume(channel: 'stdout' | 'stderr'): void {
    this.#full.delete(channel);
    if (this.#full.size === 0) this.#socket.resume();
  }

  #writeStdin(chunk: Buffer, done: (error?: Error | null) => void): void {
    for (let at = 0; at < chunk.length; at += FRAME_BYTES_MAX) {
      const isLast = at + FRAME_BYTES_MAX >= chunk.length;
      const part = chunk.subarray(at, at + FRAME_BYTES_MAX);
      this.#send('stdin', part, isLast ? done : undefined);
    }
    if (chunk.length === 0) done();
  }

  #send(
    channel: 'stdin' | 'stdin-end' | 'resize',
    payload: Buffer,
    done?: (error?: Error | null) => void,
  ): void {
    if (this.#socket.destroyed) done?.(new Error('The session has ended'));
    else this.#socket.write(encodeFrame(channel, payload), done);
  }

  #end(exit: ProcessExit | undefined): void {
    this.stdout.push(null);
    this.stderr.push(null);
    this.stdin.destroy();
    this.#socket.destroy();
    this.#exit.resolve(exit);
  }
}
