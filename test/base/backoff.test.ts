import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff, backoffMs } from '../../base/backoff.ts';

describe('Backoff', () => {
  it('doubles from the initial delay up to the maximum', () => {
    const backoff = new Backoff({ initialMs: 10, maxMs: 50 });
    const delays = [1, 2, 3, 4].map(() => backoff.next('a'));
    assert.deepEqual(delays, [10, 20, 40, 50]);
  });

  it('counts each key for itself, and forgets a key that was reset', () => {
    const backoff = new Backoff({ initialMs: 10, maxMs: 50 });
    backoff.next('a');
    backoff.next('a');
    assert.equal(backoff.next('b'), 10);
    backoff.reset('a');
    assert.equal(backoff.failures('a'), 0);
    assert.equal(backoff.next('a'), 10);
  });

  it('does not overflow after very many failures', () => {
    assert.equal(backoffMs({ initialMs: 10, maxMs: 50 }, 5000), 50);
  });
});
