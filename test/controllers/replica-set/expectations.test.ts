import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Expectations } from '../../../controllers/replica-set/expectations.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('Expectations', () => {
  it('are satisfied when everything was seen', () => {
    const expectations = new Expectations(new FakeClock());
    assert.ok(expectations.isSatisfied('a'));
    expectations.expectCreations('a', 2);
    expectations.expectDeletions('a', ['x']);
    expectations.creationSeen('a');
    expectations.deletionSeen('a', 'x');
    expectations.deletionSeen('a', 'y');
    assert.ok(!expectations.isSatisfied('a'));
    assert.ok(expectations.isSatisfied('b'));
    expectations.creationSeen('a');
    assert.ok(expectations.isSatisfied('a'));
    expectations.creationSeen('a');
    expectations.expectCreations('a', 1);
    assert.ok(!expectations.isSatisfied('a'), 'What was seen too often does not count later');
  });

  it('are forgotten after five minutes, and with their owner', async () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expectations.expectCreations('a', 1);
    await clock.advance(300_000);
    assert.ok(!expectations.isSatisfied('a'));
    await clock.advance(1);
    assert.ok(expectations.isSatisfied('a'));
    expectations.expectCreations('b', 1);
    expectations.forget('b');
    assert.ok(expectations.isSatisfied('b'));
  });
});
