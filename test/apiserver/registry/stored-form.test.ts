import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  bytesWithRevision,
  decodeStored,
  storedBytes,
  storedText,
  textWithRevision,
} from '../../../apiserver/registry/stored-form.ts';
import type { ApiObject } from '../../../apiserver/registry/strategy.ts';

const PLAIN = { noNullPrototype: true };

const metadata = fc.record({
  name: fc.string(),
  uid: fc.string(),
  resourceVersion: fc.constant('5'),
  creationTimestamp: fc.constant('2026-01-01T00:00:00Z'),
  annotations: fc.dictionary(fc.string(), fc.string(), PLAIN),
});
const objects = fc.record({
  metadata,
  // Text that looks like the place where the resourceVersion is put in.
  spec: fc.dictionary(fc.string(), fc.constantFrom('"metadata":{', 'x'), PLAIN),
  kind: fc.constant('Thing'),
  apiVersion: fc.constant('v1'),
});

function stored(text: string, modRevision: number): Parameters<typeof decodeStored>[0] {
  return { key: '/registry/things/a', value: storedBytes(text), createRevision: 1, modRevision };
}

describe('the stored form', () => {
  it('gives back the object, with the revision of the store', () => {
    fc.assert(
      fc.property(objects, fc.integer({ min: 1 }), (object: ApiObject, revision) => {
        const expected = {
          ...object,
          metadata: { ...object.metadata, resourceVersion: String(revision) },
        };
        const text = storedText(object);
        assert.deepEqual(
          decodeStored(stored(text, revision)),
          JSON.parse(JSON.stringify(expected)),
        );
        assert.deepEqual(JSON.parse(textWithRevision(text, revision)), expected);
        const bytes = bytesWithRevision(stored(text, revision));
        assert.deepEqual(JSON.parse(bytes.toString()), expected);
        assert.equal(object.metadata.resourceVersion, '5');
      }),
    );
  });

  it('does not hold the resourceVersion', () => {
    fc.assert(
      fc.property(objects, (object: ApiObject) => {
        assert.equal('resourceVersion' in JSON.parse(storedText(object)).metadata, false);
      }),
    );
  });

  it('names the key of a value that is broken', () => {
    assert.throws(() => decodeStored(stored('{', 1)), /\/registry\/things\/a is no object/);
  });
});
