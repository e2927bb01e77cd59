import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideRestart } from '../../lab/supervisor/restart-policy.ts';

describe('decideRestart', () => {
  it('starts a component that was killed once at once', () => {
    assert.equal(decideRestart(60_000, 0).delayMs, 0);
    assert.equal(decideRestart(50, 0).delayMs, 0);
  });

  it('waits longer each time for one that keeps dying young, up to five seconds', () => {
    const delays: number[] = [];
    let failures = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      const decision = decideRestart(50, failures);
      failures = decision.failures;
      delays.push(decision.delayMs);
    }
    assert.deepEqual(delays, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it('forgets the failures of one that has lived', () => {
    assert.deepEqual(decideRestart(10_000, 7), { delayMs: 0, failures: 0 });
  });
});
