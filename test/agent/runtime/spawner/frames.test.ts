/** Frames and lines come out as they went in, however the stream is cut. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Channel,
  encodeFrame,
  FRAME_BYTES_MAX,
  FrameDecoder,
} from '../../../../agent/runtime/spawner/frames.ts';
import { LineReader } from '../../../../agent/runtime/spawner/line-reader.ts';

const channel = fc.constantFrom<Channel>('stdin', 'stdout', 'stderr', 'exit', 'resize');

describe('frames', () => {
  it('are found again, however the stream is cut', () => {
    const frames = fc.array(fc.tuple(channel, fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 17 }), (sent, cut) => {
        const bytes = Buffer.concat(sent.map(([name, payload]) => encodeFrame(name, payload)));
        const decoder = new FrameDecoder();
        const got: [Channel, Uint8Array][] = [];
        for (let at = 0; at < bytes.length; at += cut) {
          for (const frame of decoder.push(bytes.subarray(at, at + cut))) {
            got.push([frame.channel, new Uint8Array(frame.payload)]);
          }
        }
        assert.deepEqual(got, sent);
      }),
    );
  });

  it('of an unknown channel are refused', () => {
    assert.throws(() => new FrameDecoder().push(Buffer.from([99, 0, 0, 0, 0])), /99/);
  });

  it('that are too long are refused before they are read', () => {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(FRAME_BYTES_MAX + 1, 1);
    assert.throws(() => new FrameDecoder().push(header), /too long/);
  });
});

describe('lines', () => {
  it('are found again, and the rest is kept', () => {
    const reader = new LineReader(100);
    reader.push(Buffer.from('{"a":1}\n{"b"'));
    assert.equal(reader.next(), '{"a":1}');
    assert.equal(reader.next(), undefined);
    reader.push(Buffer.from(':2}\nrest'));
    assert.equal(reader.next(), '{"b":2}');
    assert.equal(reader.takeRest().toString(), 'rest');
  });

  it('longer than allowed are refused, complete or not', () => {
    const reader = new LineReader(4);
    reader.push(Buffer.from('12345'));
    assert.throws(() => reader.next(), /longer than 4/);
    const other = new LineReader(4);
    other.push(Buffer.from('12345\n'));
    assert.throws(() => other.next(), /longer than 4/);
  });
});
