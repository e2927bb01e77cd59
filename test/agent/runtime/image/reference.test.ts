/** References of images: one normal form, whatever people write. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatReference, parseReference } from '../../../../agent/runtime/image/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function normal(text: string): string {
  const parsed = parseReference(text);
  assert.ok(parsed.kind === 'name', JSON.stringify(parsed));
  return formatReference(parsed.name);
}

describe('image references', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['skiff/host', 'docker.io/skiff/host:latest'],
    ['skiff/host:latest', 'docker.io/skiff/host:latest'],
    ['docker.io/skiff/host:latest', 'docker.io/skiff/host:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a:b', 'localhost:5000/a:b'],
    ['registry.example:5000/team/app', 'registry.example:5000/team/app:latest'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    [`busybox:1.36@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  ];
  for (const [text, expected] of cases) {
    it(`takes ${text} for ${expected}`, () => assert.equal(normal(text), expected));
  }

  it('takes a digest, and 64 hex digits, for an id', () => {
    assert.deepEqual(parseReference(DIGEST), { kind: 'id', hex: 'a'.repeat(64) });
    assert.deepEqual(parseReference('b'.repeat(64)), { kind: 'id', hex: 'b'.repeat(64) });
  });

  for (const text of [
    '',
    'A/b c',
    'Busybox',
    'a//b',
    'a:',
    ':a',
    'a@sha256:1',
    'a/../b',
    '-a',
    'a:b:c',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseReference(text).kind, 'invalid'));
  }

  it('refuses names that are too long', () => {
    assert.equal(parseReference('a'.repeat(300)).kind, 'invalid');
    assert.equal(parseReference(`a:${'b'.repeat(129)}`).kind, 'invalid');
  });

  it('never throws, and a normal form is its own normal form', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z.:/@0-9-]{0,40}$/));
    fc.assert(
      fc.property(text, (value) => {
        const parsed = parseReference(value);
        if (parsed.kind !== 'name') return;
        const form = formatReference(parsed.name);
        assert.equal(normal(form), form);
      }),
    );
  });
});
