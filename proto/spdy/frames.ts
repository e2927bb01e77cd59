/**
 * The frames of SPDY/3.1, as bytes and as values. Pure, but for what the decoder keeps of an unfinished
 * frame, which is bounded: control frames are small, and the payload of data frames is handed on in the
 * pieces it comes in.
 *
 * Source: draft-mbelshe-httpbis-spdy-00 (SPDY/3) §2; SPDY/3.1 adds the session window, stream 0.
 */

export type Frame =
  | (HeaderFrame & { readonly kind: 'syn-stream'; readonly isUnidirectional: boolean })
  | (HeaderFrame & { readonly kind: 'syn-reply' })
  | (HeaderFrame & { readonly kind: 'headers' })
  | { readonly kind: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly kind: 'settings'; readonly entries: readonly SettingsEntry[] }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goaway'; readonly lastStreamId: number; readonly status: number }
  | { readonly kind: 'window-update'; readonly streamId: number; readonly delta: number }
  | {
      readonly kind: 'data';
      readonly streamId: number;
      /** On the last piece of the last frame only. */
      readonly isFin: boolean;
      readonly payload: Buffer;
    }
  /** Of a type that this version does not name; to be skipped. */
  | { readonly kind: 'unknown'; readonly type: number };

interface HeaderFrame {
  readonly streamId: number;
  readonly isFin: boolean;
  /** Compressed: header-block.ts. */
  readonly block: Buffer;
}

export interface SettingsEntry {
  readonly id: number;
  readonly value: number;
}

/** A peer that breaks the rules; `status` is what a GOAWAY tells it. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
  readonly status = GOAWAY_PROTOCOL_ERROR;
}

export const RST_PROTOCOL_ERROR = 1;
export const RST_INVALID_STREAM = 2;
export const RST_REFUSED_STREAM = 3;
export const RST_CANCEL = 5;
export const RST_FLOW_CONTROL_ERROR = 7;
export const GOAWAY_OK = 0;
export const GOAWAY_PROTOCOL_ERROR = 1;
export const SETTINGS_INITIAL_WINDOW_SIZE = 7;

/** Of a control frame. Clients send a few headers of a few bytes each; a SETTINGS has at most 8 entries. */
export const CONTROL_BYTES_MAX = 16 * 1024;
const SETTINGS_MAX = 32;

const HEADER_BYTES = 8;
const VERSION = 3;
const FLAG_FIN = 1;
const FLAG_UNIDIRECTIONAL = 2;

const TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** A data frame whose payload is still coming. */
interface OpenData {
  readonly streamId: number;
  readonly isFin: boolean;
  left: number;
}

/** Cuts a byte stream into frames. */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);
  #data: OpenData | undefined;

  /** The frames that are complete now, and what is there of a data frame. Throws {@link SpdyError}. */
  *push(chunk: Buffer): Generator<Frame, void, void> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    for (;;) {
      if (this.#data !== undefined) {
        if (bytes.length === 0 && this.#data.left > 0) return;
        const payload = bytes.subarray(0, this.#data.left);
        bytes = bytes.subarray(payload.length);
        yield this.#dataPiece(this.#data, payload);
      } else if (bytes.length < HEADER_BYTES) break;
      else if ((bytes.readUInt8(0) & 0x80) === 0) {
        const isFin = (bytes.readUInt8(4) & FLAG_FIN) !== 0;
        const streamId = bytes.readUInt32BE(0);
        if (streamId === 0) throw new SpdyError('data for stream 0');
        this.#data = { streamId, isFin, left: bytes.readUIntBE(5, 3) };
        bytes = bytes.subarray(HEADER_BYTES);
      } else {
        const length = bytes.readUIntBE(5, 3);
        if (length > CONTROL_BYTES_MAX) {
          throw new SpdyError(`a control frame of ${length} bytes is too long`);
        }
        if (bytes.length < HEADER_BYTES + length) break;
        yield parseControl(bytes.subarray(0, HEADER_BYTES + length));
        bytes = bytes.subarray(HEADER_BYTES + length);
      }
    }
    // Copied, so that a short rest does not keep a large chunk.
    this.#rest = Buffer.from(bytes);
  }

  #dataPiece(frame: OpenData, payload: Buffer): Frame {
    const { streamId, isFin } = frame;
    frame.left -= payload.length;
    const isLast = frame.left === 0;
    if (isLast) this.#data = undefined;
    return { kind: 'data', streamId, isFin: isLast && isFin, payload };
  }
}

function parseControl(frame: Buffer): Frame {
  const version = frame.readUInt16BE(0) & 0x7fff;
  const type = frame.readUInt16BE(2);
  const flags = frame.readUInt8(4);
  if (version !== VERSION) throw new SpdyError(`frames of version ${version} are not spoken here`);
  const payload = frame.subarray(HEADER_BYTES);
  const isFin = (flags & FLAG_FIN) !== 0;
  switch (type) {
    case TYPES.synStream: {
      need(payload, 10, 'SYN_STREAM');
      const isUnidirectional = (flags & FLAG_UNIDIRECTIONAL) !== 0;
      const block = payload.subarray(10);
      return { kind: 'syn-stream', streamId: word(payload, 0), isFin, isUnidirectional, block };
    }
    case TYPES.synReply:
      need(payload, 4, 'SYN_REPLY');
      return { kind: 'syn-reply', streamId: word(payload, 0), isFin, block: payload.subarray(4) };
    case TYPES.headers:
      need(payload, 4, 'HEADERS');
      return { kind: 'headers', streamId: word(payload, 0), isFin, block: payload.subarray(4) };
    case TYPES.rstStream:
      need(payload, 8, 'RST_STREAM');
      return { kind: 'rst-stream', streamId: word(payload, 0), status: payload.readUInt32BE(4) };
    case TYPES.settings:
      return { kind: 'settings', entries: parseSettings(payload) };
    case TYPES.ping:
      need(payload, 4, 'PING');
      return { kind: 'ping', id: payload.readUInt32BE(0) };
    case TYPES.goaway:
      need(payload, 8, 'GOAWAY');
      return { kind: 'goaway', lastStreamId: word(payload, 0), status: payload.readUInt32BE(4) };
    case TYPES.windowUpdate:
      need(payload, 8, 'WINDOW_UPDATE');
      return { kind: 'window-update', streamId: word(payload, 0), delta: word(payload, 4) };
    default:
      return { kind: 'unknown', type };
  }
}

function parseSettings(payload: Buffer): readonly SettingsEntry[] {
  need(payload, 4, 'SETTINGS');
  const count = payload.readUInt32BE(0);
  if (count > SETTINGS_MAX) throw new SpdyError(`a SETTINGS of ${count} entries is too long`);
  need(payload, 4 + count * 8, 'SETTINGS');
  return Array.from({ length: count }, (_, index) => ({
    id: payload.readUIntBE(5 + index * 8, 3),
    value: payload.readUInt32BE(8 + index * 8),
  }));
}

function need(payload: Buffer, bytes: number, what: string): void {
  if (payload.length < bytes)
    throw new SpdyError(`a ${what} of ${payload.length} bytes is too short`);
}

/** 31 bits: the highest is reserved. */
function word(payload: Buffer, at: number): number {
  return payload.readUInt32BE(at) & 0x7fff_ffff;
}

export function encodeSynStream(streamId: number, block: Buffer, isFin = false): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(streamId, 0);
  return control(TYPES.synStream, Buffer.concat([fixed, block]), isFin ? FLAG_FIN : 0);
}

export function encodeSynReply(streamId: number, block: Buffer): Buffer {
  const fixed = Buffer.alloc(4);
  fixed.writeUInt32BE(streamId, 0);
  return control(TYPES.synReply, Buffer.concat([fixed, block]));
}

export const encodeRstStream = (streamId: number, status: number): Buffer =>
  control(TYPES.rstStream, words(streamId, status));

export const encodePing = (id: number): Buffer => control(TYPES.ping, words(id));

export const encodeGoaway = (lastStreamId: number, status: number): Buffer =>
  control(TYPES.goaway, words(lastStreamId, status));

export const encodeWindowUpdate = (streamId: number, delta: number): Buffer =>
  control(TYPES.windowUpdate, words(streamId, delta));

export function encodeSettings(entries: readonly SettingsEntry[]): Buffer {
  return control(
    TYPES.settings,
    words(entries.length, ...entries.flatMap(({ id, value }) => [id, value])),
  );
}

/** The eight bytes before the payload of a data frame. */
export function dataHeader(streamId: number, payloadBytes: number, isFin: boolean): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(streamId, 0);
  header.writeUInt8(isFin ? FLAG_FIN : 0, 4);
  header.writeUIntBE(payloadBytes, 5, 3);
  return header;
}

function control(type: number, payload: Buffer, flags = 0): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt16BE(0x8000 | VERSION, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt8(flags, 4);
  header.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([header, payload]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => void bytes.writeUInt32BE(value, index * 4));
  return bytes;
}
