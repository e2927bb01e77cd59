/** How much CPU is used at the moment, from two samples. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CpuRates } from '../../../../agent/runtime/sandbox/cpu-rates.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('the rate of CPU time', () => {
  it('is known from the second sample on, for each cgroup', async () => {
    const clock = new FakeClock();
    const rates = new CpuRates(clock);
    assert.equal(rates.measure('/a', 5_000_000_000), undefined);
    await clock.advance(2_000);
    assert.equal(rates.measure('/a', 6_000_000_000), 500_000_000);
    assert.equal(rates.measure('/b', 6_000_000_000), undefined);
  });

  it('is the same for who asks at the same time', async () => {
    const clock = new FakeClock();
    const rates = new CpuRates(clock);
    rates.measure('/a', 0);
    await clock.advance(1_000);
    assert.equal(rates.measure('/a', 2_000_000_000), 2_000_000_000);
    await clock.advance(1);
    assert.equal(rates.measure('/a', 2_900_000_000), 2_000_000_000);
    await clock.advance(999);
    assert.equal(rates.measure('/a', 3_000_000_000), 1_000_000_000);
  });

  it('begins anew when the counter does, or after it was forgotten', async () => {
    const clock = new FakeClock();
    const rates = new CpuRates(clock);
    rates.measure('/a', 500);
    await clock.advance(5_000);
    assert.equal(rates.measure('/a', 400), undefined);
    rates.forget('/a');
    await clock.advance(5_000);
    assert.equal(rates.measure('/a', 900), undefined);
  });
});
