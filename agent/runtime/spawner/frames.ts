/**
 * Standard streams over one connection, after `exec` or `attach` was answered: frames of a channel
 * (1 byte), a length (4 bytes, big endian) and that many bytes.
 */

export type Channel = 'stdin' | 'stdout' | 'stderr' | 'exit' | 'resize' | 'stdin-end';

/**
 * `stdin`, `stdin-end` (empty) and `resize` (TerminalSize in JSON) go to the spawner; `stdout`,
 * `stderr` and `exit` (ProcessExit in JSON, the last frame) come from it.
 */
const CHANNELS: readonly Channel[] = ['stdin', 'stdout', 'stderr', 'exit', 'resize', 'stdin-end'];

const HEADER_BYTES = 5;

/** Much more than a pipe gives at once; a longer frame is an error and ends the connection. */
export const FRAME_BYTES_MAX = 1024 * 1024;

export interface Frame {
  readonly channel: Channel;
  readonly payload: Buffer;
}

export function encodeFrame(channel: Channel, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame[0] = CHANNELS.indexOf(channel);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into frames. It keeps at most one incomplete frame. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** Returns the frames that are complete now; throws on an unknown channel or a long frame. */
  push(chunk: Buffer): readonly Frame[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (data.length >= HEADER_BYTES) {
      const channel = CHANNELS[data[0] ?? CHANNELS.length];
      const length = data.readUInt32BE(1);
      if (channel === undefined) throw new Error(`No channel has the number ${data[0]}`);
      if (length > FRAME_BYTES_MAX) throw new Error(`A frame of ${length} bytes is too long`);
      if (data.length < HEADER_BYTES + length) break;
      frames.push({ channel, payload: data.subarray(HEADER_BYTES, HEADER_BYTES + length) });
      data = data.subarray(HEADER_BYTES + length);
    }
    this.#rest = data;
    return frames;
  }
}
