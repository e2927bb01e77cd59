import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  afterRestart,
  CRASH_BACKOFF_INITIAL_MS,
  CRASH_BACKOFF_MAX_MS,
  type CrashBackoffEntry,
  crashLoopMessage,
  formatSeconds,
  mayStartAtMs,
} from '../../agent/pod/crash-backoff.ts';

describe('crash back-off', () => {
  it('is none at first, then 10 s doubling to 5 min', () => {
    const delays: number[] = [];
    let entry: CrashBackoffEntry | undefined;
    let endMs = 0;
    for (let crash = 0; crash < 8; crash += 1) {
      const startMs = mayStartAtMs(entry, 'h', endMs);
      delays.push((startMs - endMs) / 1000);
      entry = afterRestart(entry, 'h', endMs);
      endMs = startMs + 1000;
    }
    assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
  });

  it('starts over after ten quiet minutes, and for another spec', () => {
    const entry = { hash: 'h', delayMs: 80_000, updatedAtMs: 0 };
    assert.equal(mayStartAtMs(entry, 'h', 600_001), 600_001);
    assert.equal(mayStartAtMs(entry, 'h', 599_000), 679_000);
    assert.equal(mayStartAtMs(entry, 'other', 1_000), 1_000);
    assert.equal(afterRestart(entry, 'h', 600_001).delayMs, CRASH_BACKOFF_INITIAL_MS);
  });

  it('never waits longer than the maximum, nor into the past', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 ** 6 }), { maxLength: 50 }), (runs) => {
        let entry: CrashBackoffEntry | undefined;
        let endMs = 0;
        for (const runMs of runs) {
          const startMs = mayStartAtMs(entry, 'h', endMs);
          assert.ok(startMs >= endMs && startMs - endMs <= CRASH_BACKOFF_MAX_MS);
          entry = afterRestart(entry, 'h', endMs);
          endMs = startMs + runMs;
        }
      }),
    );
  });

  it("speaks the kubelet's words", () => {
    assert.equal(
      crashLoopMessage(80_000, 'app', 'web_default(uid)'),
      'back-off 1m20s restarting failed container=app pod=web_default(uid)',
    );
    assert.deepEqual(
      [10, 60, 300, 3661].map((s) => formatSeconds(s * 1000)),
      [...['10s', '1m0s', '5m0s', '1h1m1s']],
    );
  });
});
