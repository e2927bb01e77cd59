import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ProtobufWriter } from '../../../../proto/api/openapi/protobuf-writer.ts';
import { ProtobufReader } from '../../../../proto/api/protobuf-reader.ts';

describe('ProtobufWriter', () => {
  it('writes what the reader reads, however long', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat(40_000))), (parts) => {
        const texts = parts.map(([text, times]) => `${text}x`.repeat(1 + (times % 9) * times));
        const writer = new ProtobufWriter();
        for (const text of texts) {
          writer.message(3, (inner) => inner.message(300, (deep) => deep.string(1, text)));
        }
        const reader = new ProtobufReader(writer.finish());
        const read: string[] = [];
        while (!reader.isAtEnd) {
          assert.deepEqual(reader.tag(), { number: 3, wireType: 2 });
          const inner = reader.message();
          assert.deepEqual(inner.tag(), { number: 300, wireType: 2 });
          const deep = inner.message();
          assert.deepEqual(deep.tag(), { number: 1, wireType: 2 });
          read.push(deep.string());
        }
        assert.deepEqual(read, texts);
      }),
      { numRuns: 20 },
    );
  });

  it('leaves out empty texts and false, and keeps empty messages', () => {
    const writer = new ProtobufWriter();
    writer.string(1, '');
    writer.bool(2, false);
    writer.bool(3, true);
    writer.message(4, () => undefined);
    assert.equal(writer.finish().toString('hex'), '18012200');
  });
});
