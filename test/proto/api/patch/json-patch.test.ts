import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  applyJsonPatch,
  COPIED_LENGTH_MAX,
  OPERATIONS_MAX,
} from '../../../../proto/api/patch/json-patch.ts';
import { ApiError } from '../../../../proto/api/status-error.ts';

function codeOf(patch: unknown, target = {}): number {
  try {
    applyJsonPatch(target, patch);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error.code;
  }
  return 200;
}

describe('applyJsonPatch', () => {
  it('applies operations in order, and leaves the target alone', () => {
    const target = { a: { b: [1, 2] }, c: 'x' };
    const patched = applyJsonPatch(target, [
      { op: 'test', path: '/c', value: 'x' },
      { op: 'add', path: '/a/b/-', value: 3 },
      { op: 'replace', path: '/a/b/0', value: 0 },
      { op: 'move', from: '/c', path: '/d~1e' },
      { op: 'copy', from: '/a/b', path: '/f' },
      { op: 'remove', path: '/a' },
    ]);
    assert.deepEqual(patched, { 'd/e': 'x', f: [0, 2, 3] });
    assert.deepEqual(target, { a: { b: [1, 2] }, c: 'x' });
  });

  it('tells malformed patches from those that do not apply', () => {
    assert.equal(codeOf({}), 400);
    assert.equal(codeOf([{ op: 'grow', path: '/a' }]), 400);
    assert.equal(codeOf([{ op: 'add', path: 'a', value: 1 }]), 400);
    assert.equal(codeOf([{ op: 'remove', path: '/a' }]), 422);
    assert.equal(codeOf([{ op: 'test', path: '/a', value: 1 }]), 422);
    assert.equal(codeOf([{ op: 'add', path: '/a/b', value: 1 }]), 422);
    assert.equal(codeOf([{ op: 'copy', from: '/x/y', path: '/a' }]), 422);
    assert.equal(codeOf([{ op: 'add', path: '/__proto__/x', value: 1 }]), 422);
  });

  it('bounds operations, and what copies may add', () => {
    const add = { op: 'add', path: '/a', value: 1 };
    assert.equal(codeOf(Array(OPERATIONS_MAX).fill(add)), 200);
    assert.equal(codeOf(Array(OPERATIONS_MAX + 1).fill(add)), 413);
    const target = { a: 'x'.repeat(1000), b: {} };
    const doubling = Array.from({ length: 60 }, (_, i) => ({
      op: 'copy',
      from: '',
      path: `/b/${i}`,
    }));
    assert.equal(codeOf(doubling, target), 422);
    assert.ok(COPIED_LENGTH_MAX < 1000 * 2 ** 60);
  });
});
