/** Archives of every kind are read the same, however their bytes arrive, and broken ones only throw. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseDocument } from '../../../../agent/runtime/image/manifest.ts';
import { formatReference, parseReference } from '../../../../agent/runtime/image/reference.ts';
import type { TarEntry } from '../../../../agent/runtime/image/tar-entry.ts';
import { TarReader } from '../../../../agent/runtime/image/tar-reader.ts';
import { paxRecord, rawHeader, rawMember, rawTar } from '../../../support/raw-tar.ts';

interface Seen {
  readonly entry: TarEntry;
  content: Buffer;
}

/** What the archive has, read in chunks of these sizes in turn. */
function read(bytes: Buffer, sizes: readonly number[] = [bytes.length]): readonly Seen[] {
  const seen: Seen[] = [];
  const reader = new TarReader({
    begin: (entry) => {
      // A hostile size must not use up the memory of the test.
      const room = entry.type === 'file' && entry.size < 1_000_000 ? entry.size : 0;
      seen.push({ entry, content: Buffer.alloc(room) });
    },
    write: (chunk, offset) => {
      chunk.copy(seen.at(-1)?.content ?? Buffer.alloc(0), offset);
    },
    end: () => undefined,
  });
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const end = at + Math.max(1, sizes[turn % sizes.length] ?? 1);
    reader.push(bytes.subarray(at, end));
    at = end;
  }
  reader.finish();
  return seen;
}

const content = Buffer.from(Array.from({ length: 1_500 }, (_, index) => index % 251));
const EXAMPLE = rawTar([
  { name: 'd/', type: '5' },
  { name: 'd/f', content, pax: { mtime: '1700000000.123456789', uid: '70000' } },
  { name: 'x', type: '2', linkName: 'd/f', pax: { linkpath: 'a'.repeat(200) } },
  {
    name: 'y',
    pax: { path: 'long/'.repeat(60), 'SCHILY.xattr.user.a': Buffer.from([0xff, 0, 10]) },
  },
  { name: '././@LongLink', type: 'L', content: `${'g'.repeat(150)}\0` },
  { name: 'cut', content: 'gnu' },
  { name: 'unknown', type: 'V', content: 'label' },
  { name: 'last', content: 'z' },
]);

describe('a tar archive', () => {
  it('gives its members with what extended headers say of them', () => {
    const seen = read(EXAMPLE);
    assert.deepEqual(
      seen.map(({ entry }) => [entry.type, entry.name.slice(0, 12)]),
      [
        ['directory', 'd/'],
        ['file', 'd/f'],
        ['symlink', 'x'],
        ['directory', 'long/long/lo'],
        ['file', 'gggggggggggg'],
        ['file', 'last'],
      ],
    );
    const [, file, link, long] = seen;
    assert.deepEqual(file?.content, content);
    assert.equal(file?.entry.mtimeNs, 1_700_000_000_123_456_789n);
    assert.equal(file?.entry.uid, 70_000);
    assert.equal(link?.entry.linkName, 'a'.repeat(200));
    assert.deepEqual(long?.entry.xattrs.get('user.a'), Buffer.from([0xff, 0, 10]));
  });

  it('is read the same in chunks of any size', () => {
    const whole = read(EXAMPLE);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }), (sizes) => {
        assert.deepEqual(read(EXAMPLE, sizes), whole);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('may end without its last blocks and padding, but not in the middle', () => {
    const member = rawMember({ name: 'a', content: 'abc' });
    assert.equal(read(member.subarray(0, 515)).length, 1);
    assert.throws(() => read(member.subarray(0, 514)), /middle/);
    assert.throws(() => read(member.subarray(0, 100)), /middle/);
    assert.deepEqual(read(Buffer.alloc(0)), []);
  });

  it('has sparse files in the three PAX forms and the old one', () => {
    const parts = [
      { offset: 5, length: 3 },
      { offset: 20, length: 2 },
    ];
    const expected = Buffer.alloc(30);
    expected.write('abc', 5);
    expected.write('de', 20);
    const oldest = Buffer.concat([
      paxRecord('GNU.sparse.size', '30'),
      ...parts.flatMap(({ offset, length }) => [
        paxRecord('GNU.sparse.offset', String(offset)),
        paxRecord('GNU.sparse.numbytes', String(length)),
      ]),
    ]);
    const map = '2\n5\n3\n20\n2\n';
    const old = rawHeader({ name: 's', type: 'S', size: 5 }, (block) => {
      parts.forEach(({ offset, length }, index) => {
        block.write(`${offset.toString(8).padStart(11, '0')}\0`, 386 + index * 24);
        block.write(`${length.toString(8).padStart(11, '0')}\0`, 398 + index * 24);
      });
      block.write(`${(30).toString(8).padStart(11, '0')}\0`, 483);
    });
    const forms = {
      '0.0': Buffer.concat([
        rawMember({ name: 'pax', type: 'x', content: oldest }),
        rawMember({ name: 's', content: 'abcde' }),
      ]),
      '0.1': rawMember({
        name: 's',
        content: 'abcde',
        pax: { 'GNU.sparse.map': '5,3,20,2', 'GNU.sparse.size': '30', 'GNU.sparse.name': 's' },
      }),
      '1.0': rawMember({
        name: 'other',
        content: `${map}${'\0'.repeat(512 - map.length)}abcde`,
        pax: {
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 's',
          'GNU.sparse.realsize': '30',
        },
      }),
      old: Buffer.concat([old, Buffer.from('abcde'), Buffer.alloc(507)]),
    };
    for (const [form, bytes] of Object.entries(forms)) {
      const [file] = read(bytes, [100]);
      assert.equal(file?.entry.name, 's', form);
      assert.deepEqual(file?.content, expected, form);
    }
    for (const bad of ['20,2,5,3', '5,3,6,2', '5,3,29,2', '5,x', '5,3,20,200000000000000000']) {
      const pax = { 'GNU.sparse.map': bad, 'GNU.sparse.size': '30' };
      assert.throws(() => read(rawMember({ name: 's', content: 'abcde', pax })), /sparse/, bad);
    }
  });

  it('that is damaged anywhere throws an Error or gives something, and ends', () => {
    const damage = fc.array(
      fc.tuple(fc.nat(EXAMPLE.length - 1), fc.integer({ min: 0, max: 255 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(damage, fc.boolean(), (changes, isSummed) => {
        const bytes = Buffer.from(EXAMPLE);
        for (const [at, byte] of changes) bytes.writeUInt8(byte, at);
        if (isSummed) fixChecksums(bytes);
        try {
          read(bytes, [512, 77]);
        } catch (error) {
          assert.ok(error instanceof Error);
          assert.ok(!(error instanceof RangeError || error instanceof TypeError), String(error));
        }
      }),
      { seed: 11, numRuns: 3_000 },
    );
  });
});

describe('what strangers write', () => {
  it('as a reference is in normal form, or refused', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'ab/.:@-_A1', 'sha256:', '//', 'é'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, (reference) => {
        const parsed = parseReference(reference);
        if (parsed.kind !== 'name') return;
        const again = parseReference(formatReference(parsed.name));
        assert.ok(again.kind === 'name');
        assert.equal(formatReference(again.name), formatReference(parsed.name));
        assert.doesNotMatch(again.name.path, /\.\.|^\/|\/$|\/\//);
      }),
      { seed: 3, numRuns: 3_000 },
    );
  });

  it('as a manifest is one, or refused with an Error', () => {
    const keys = fc.constantFrom(
      'manifests',
      'layers',
      'config',
      'mediaType',
      'digest',
      'size',
      '__proto__',
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 1, -1, 1e300, '', 'x', `sha256:${'0'.repeat(64)}`, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, (document) => {
        try {
          const parsed = parseDocument(Buffer.from(JSON.stringify(document)));
          assert.ok(['index', 'manifest'].includes(parsed.kind));
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof TypeError), String(error));
        }
      }),
      { seed: 5, numRuns: 3_000 },
    );
  });
});

/** So that damage gets past the check of the headers. */
function fixChecksums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (!block.subarray(257, 262).equals(Buffer.from('ustar'))) continue;
    block.write(' '.repeat(8), 148);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  }
}
