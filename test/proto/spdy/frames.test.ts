/** The frames and header blocks of SPDY: round trips, the limits, and bytes that nobody should send. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, createDeflate, deflateSync } from 'node:zlib';
import fc from 'fast-check';
import {
  CONTROL_BYTES_MAX,
  dataHeader,
  encodeGoaway,
  encodePing,
  encodeRstStream,
  encodeSettings,
  encodeSynReply,
  encodeSynStream,
  encodeWindowUpdate,
  type Frame,
  FrameDecoder,
  SpdyError,
} from '../../../proto/spdy/frames.ts';
import {
  HEADER_BYTES_MAX,
  HEADER_DICTIONARY,
  HeaderDecoder,
  HeaderEncoder,
  parseHeaders,
} from '../../../proto/spdy/header-block.ts';

const block = Buffer.from('block');
const SAMPLES: readonly Buffer[] = [
  encodeSynStream(1, block, true),
  encodeSynReply(3, block),
  encodeRstStream(5, 3),
  encodeSettings([{ id: 7, value: 65_536 }]),
  encodePing(9),
  encodeGoaway(11, 0),
  encodeWindowUpdate(13, 1024),
  Buffer.concat([dataHeader(15, 5, true), Buffer.from('hello')]),
];

function decode(bytes: Buffer, cut = bytes.length): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += cut) {
    frames.push(...decoder.push(bytes.subarray(at, at + cut)));
  }
  return frames;
}

/** Pieces of data as one. */
function joined(frames: readonly Frame[]): readonly Frame[] {
  const result: Frame[] = [];
  for (const frame of frames) {
    const last = result.at(-1);
    if (frame.kind === 'data' && last?.kind === 'data' && last.streamId === frame.streamId) {
      result[result.length - 1] = {
        ...frame,
        payload: Buffer.concat([last.payload, frame.payload]),
      };
    } else result.push(frame);
  }
  return result;
}

describe('SPDY frames', () => {
  it('are read as they were written, however they are cut', () => {
    const bytes = Buffer.concat(SAMPLES);
    const whole = decode(bytes);
    assert.deepEqual(
      whole.map(({ kind }) => kind),
      [
        'syn-stream',
        'syn-reply',
        'rst-stream',
        'settings',
        'ping',
        'goaway',
        'window-update',
        'data',
      ],
    );
    assert.deepEqual(whole[0], {
      ...{ kind: 'syn-stream', streamId: 1, isFin: true, isUnidirectional: false, block },
    });
    for (const cut of [1, 2, 3, 7, 8, 9, 64]) assert.deepEqual(joined(decode(bytes, cut)), whole);
  });

  it('of data are handed on before they are whole, and end once', () => {
    const decoder = new FrameDecoder();
    const head = dataHeader(1, 16 * 2 ** 20 - 1, true);
    const pieces = [head, Buffer.alloc(1000), Buffer.alloc(16 * 2 ** 20 - 1001)];
    const frames = pieces.map((piece) => [...decoder.push(piece)]);
    assert.deepEqual(
      frames.map((some) => some.map((frame) => frame.kind === 'data' && frame.isFin)),
      [[], [false], [true]],
    );
  });

  it('of control have a limit, known before they have come', () => {
    const header = Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]);
    assert.throws(() => decode(header), SpdyError);
    const settings = encodeSettings(Array.from({ length: 33 }, () => ({ id: 1, value: 1 })));
    assert.throws(() => decode(settings), /33 entries/);
  });

  it('that are short, of another version, or for stream 0 are refused', () => {
    for (const [type, least] of [1, 2, 3, 4, 6, 7, 8, 9].map(
      (t) => [t, t === 1 ? 9 : 3] as const,
    )) {
      const frame = Buffer.alloc(8 + least);
      frame.set([0x80, 3, 0, type, 0, 0, 0, least]);
      assert.throws(() => decode(frame), /too short/, String(type));
    }
    assert.throws(() => decode(Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 0])), /version 2/);
    assert.throws(() => decode(dataHeader(0, 1, false)), /stream 0/);
    assert.deepEqual(decode(Buffer.from([0x80, 3, 0, 99, 0, 0, 0, 0])), [
      { kind: 'unknown', type: 99 },
    ]);
  });

  it('never crash, hang or keep much, whatever was changed in them', () => {
    const changed = fc.tuple(
      fc.shuffledSubarray([...SAMPLES], { minLength: 1 }),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 20 }),
      fc.integer({ min: 1, max: 64 }),
    );
    fc.assert(
      fc.property(changed, ([samples, changes, cut]) => {
        const bytes = Buffer.concat([...samples]);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const decoder = new FrameDecoder();
        let given = 0;
        try {
          for (let at = 0; at < bytes.length; at += cut) {
            for (const frame of decoder.push(bytes.subarray(at, at + cut))) {
              if (frame.kind === 'data') given += frame.payload.length;
              if ('block' in frame) assert.ok(frame.block.length <= CONTROL_BYTES_MAX);
            }
          }
        } catch (error) {
          assert.ok(error instanceof SpdyError);
        }
        assert.ok(given <= bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('SPDY headers', () => {
  const headers = new Map([
    ['streamtype', 'error'],
    ['port', '80'],
  ]);

  it('have the dictionary that every implementation has', () => {
    // Its Adler-32, which zlib writes into a stream that wants it.
    const id = deflateSync('x', { dictionary: HEADER_DICTIONARY }).readUInt32BE(2);
    assert.equal(id, 0xe3c6a7c2);
    assert.equal(HEADER_DICTIONARY.length, 1423);
  });

  it('are read as they were written, in one compressed stream', async () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder();
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await decoder.decode(encoder.encode(headers)), headers);
    }
    decoder.close();
    const real = new HeaderDecoder();
    const compress = newCompressor();
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await real.decode(await compress(plain(headers))), headers);
    }
    real.close();
  });

  it('are bounded while they are unpacked (CVE-2026-35469)', async () => {
    const decoder = new HeaderDecoder();
    const bomb = deflateSync(Buffer.alloc(15 * 2 ** 20), { dictionary: HEADER_DICTIONARY });
    assert.ok(bomb.length < CONTROL_BYTES_MAX);
    await assert.rejects(decoder.decode(bomb), new RegExp(`more than ${HEADER_BYTES_MAX} bytes`));
    await assert.rejects(decoder.decode(Buffer.from('x')), SpdyError);
    decoder.close();
  });

  it('that end their stream, or are not compressed with the dictionary, are refused', async () => {
    for (const bytes of [deflateSync(plain(headers)), Buffer.from('no zlib'), Buffer.alloc(0)]) {
      const decoder = new HeaderDecoder();
      const first = decoder.decode(bytes);
      await first.catch((error) => assert.ok(error instanceof SpdyError));
      await assert.rejects(decoder.decode(Buffer.from('more')), SpdyError);
      decoder.close();
    }
  });

  it('whose lengths lie are refused', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([0, 0, 0, 0, 0]),
      Buffer.concat([plain(headers), plain(headers)]),
    ]) {
      assert.throws(() => parseHeaders(bytes), SpdyError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseHeaders(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof SpdyError);
        }
      }),
    );
  });

  it('never crash or hang the decoder, whatever was changed in them', async () => {
    const sample = await newCompressor()(plain(headers));
    const changes = fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(changes, async (some) => {
        const bytes = Buffer.from(sample);
        for (const [at, value] of some) bytes[at % bytes.length] = value;
        const decoder = new HeaderDecoder();
        try {
          const read = await decoder.decode(bytes);
          assert.ok(read.size <= 64);
        } catch (error) {
          assert.ok(error instanceof SpdyError);
        }
        decoder.close();
      }),
      { numRuns: 300 },
    );
  });
});

function plain(headers: ReadonlyMap<string, string>): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const texts = [...headers].flat();
  return Buffer.concat([
    number(headers.size),
    ...texts.flatMap((text) => [number(text.length), Buffer.from(text)]),
  ]);
}

/** Compresses as Go's library does: one stream, flushed after each block. */
function newCompressor(): (bytes: Buffer) => Promise<Buffer> {
  const deflate = createDeflate({ dictionary: HEADER_DICTIONARY, flush: constants.Z_SYNC_FLUSH });
  return (bytes) =>
    new Promise((resolve) => {
      const parts: Buffer[] = [];
      const take = (part: Buffer): void => void parts.push(part);
      deflate.on('data', take);
      deflate.write(bytes, () => {
        deflate.off('data', take);
        resolve(Buffer.concat(parts));
      });
    });
}
