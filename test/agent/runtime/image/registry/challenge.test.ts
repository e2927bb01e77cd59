/** What a registry asks for in its WWW-Authenticate header. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../../../../agent/runtime/image/registry/challenge.ts';

describe('a challenge', () => {
  it('is read in every form that RFC 9110 allows', () => {
    const bearer = { kind: 'bearer', realm: 'https://a/t', service: 's', scope: 'r:x:pull,push' };
    for (const [header, expected] of [
      ['Bearer realm="https://a/t",service="s",scope="r:x:pull,push"', [bearer]],
      ['bearer  Realm = "https://a/t" , service=s , scope="r:x:pull\\,push"', [bearer]],
      ['Basic realm="Registry"', [{ kind: 'basic' }]],
      ['Basic', [{ kind: 'basic' }]],
      [
        'Negotiate, Basic realm="a, b", Bearer realm=x',
        [{ kind: 'basic' }, { kind: 'bearer', realm: 'x', service: '', scope: '' }],
      ],
      ['', []],
      ['"', []],
    ] as const) {
      assert.deepEqual(parseChallenges(header), expected, header);
    }
  });

  it('never throws or hangs, whatever the header is', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'Bearer=",\\ asic realm\0é'),
      maxLength: 80,
    });
    fc.assert(
      fc.property(text, (header) => {
        assert.ok(Array.isArray(parseChallenges(header)));
      }),
      { seed: 42, numRuns: 2000 },
    );
  });
});
