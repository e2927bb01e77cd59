import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventCorrelator } from '../../client/event-correlator.ts';

const regarding = { kind: 'Pod', namespace: 'ns', name: 'web', uid: 'u' };
const base = { regarding, type: 'Warning', reason: 'Failed', atMs: 0 } as const;
const MINUTE_MS = 60_000;

describe('EventCorrelator', () => {
  it('knows the same event at any version of the object', () => {
    const correlator = new EventCorrelator();
    const at = (resourceVersion: string) =>
      correlator.correlate({
        ...base,
        regarding: { ...regarding, resourceVersion },
        message: 'why',
      })?.id;
    assert.notEqual(at('1'), undefined);
    assert.equal(at('1'), at('2'));
    assert.notEqual(correlator.correlate({ ...base, message: 'other' })?.id, at('1'));
  });

  it('tells the tenth message of a reason, and those after it, as one', () => {
    const correlator = new EventCorrelator();
    const tell = (number: number, atMs = 0) =>
      correlator.correlate({ ...base, atMs, message: `try ${number}` });
    for (let number = 1; number <= 9; number += 1) {
      assert.equal(tell(number)?.occurrence.message, `try ${number}`);
    }
    const tenth = tell(10);
    assert.equal(tenth?.occurrence.message, '(combined from similar events): try 10');
    assert.equal(tell(11)?.id, tenth?.id);
    assert.equal(tell(3)?.occurrence.message, 'try 3');
    // After ten quiet minutes they count from one again.
    assert.equal(tell(12, 11 * MINUTE_MS)?.occurrence.message, 'try 12');
  });

  it('lets 25 events about an object pass, and one more every five minutes', () => {
    const correlator = new EventCorrelator();
    const tell = (atMs: number) => correlator.correlate({ ...base, atMs, message: 'again' });
    const passed = Array.from({ length: 40 }, () => tell(0)).filter((each) => each !== undefined);
    assert.equal(passed.length, 25);
    assert.equal(tell(4 * MINUTE_MS), undefined);
    assert.notEqual(tell(6 * MINUTE_MS), undefined);
    assert.equal(tell(6 * MINUTE_MS), undefined);
    const other = { ...regarding, name: 'db', uid: 'v' };
    const ofOther = correlator.correlate({ ...base, regarding: other, message: 'again' });
    assert.notEqual(ofOther, undefined, 'another object has its own share');
  });
});
