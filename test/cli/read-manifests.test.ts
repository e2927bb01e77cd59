import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseManifests } from '../../cli/manifests/read-manifests.ts';

describe('parseManifests', () => {
  it('reads several documents, passes over empty ones, and opens lists', () => {
    const text = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
# nothing
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Secret, metadata: {name: b}}
  - {apiVersion: v1, kind: Secret, metadata: {name: c}}
`;
    const names = parseManifests(text, 'x.yaml').map((object) => object.metadata.name);
    assert.deepEqual(names, ['a', 'b', 'c']);
  });

  it('reads JSON', () => {
    const [object] = parseManifests(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}',
      'x',
    );
    assert.equal(object?.kind, 'Pod');
  });

  it('names the file and the fault of what is no manifest', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['a: [1', /x\.yaml: not valid YAML/],
      ['just text', /x\.yaml: a document is not an object/],
      ['apiVersion: v1\nmetadata: {name: a}', /x\.yaml: Object 'Kind' is missing/],
      ['kind: Pod\nmetadata: {name: a}', /x\.yaml: apiVersion not set/],
      ['kind: Pod\napiVersion: v1', /x\.yaml: metadata is missing in a Pod/],
    ];
    for (const [text, expected] of cases) {
      assert.throws(() => parseManifests(text, 'x.yaml'), {
        name: 'ManifestError',
        message: expected,
      });
    }
  });

  it('refuses aliases that grow without bound', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]
`;
    assert.throws(() => parseManifests(bomb, 'x.yaml'));
  });
});
