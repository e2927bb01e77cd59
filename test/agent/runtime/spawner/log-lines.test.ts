/** Records of the CRI log: nothing is lost or made up, however the output comes. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LINE_BYTES_MAX, LogLines } from '../../../../agent/runtime/spawner/log-lines.ts';
import { formatNanoTime, NanoClock } from '../../../../agent/runtime/spawner/nano-clock.ts';
import { isoTime } from '../../../../base/clock.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

function records(chunks: readonly string[], isEnded = true): readonly string[] {
  const lines = new LogLines('stdout');
  const text = chunks.map((chunk) => lines.push(Buffer.from(chunk), 'T').toString()).join('');
  const all = isEnded ? text + lines.end('T').toString() : text;
  return all.split('\n').slice(0, -1);
}

describe('log lines', () => {
  it('are full ones', () => {
    assert.deepEqual(records(['a\nb\n']), ['T stdout F a', 'T stdout F b']);
  });

  it('are joined when they come in pieces', () => {
    assert.deepEqual(records(['a', 'b', 'c\n']), ['T stdout F abc']);
  });

  it('without an end are parts, and come only when no more does', () => {
    assert.deepEqual(records(['a\nb'], false), ['T stdout F a']);
    assert.deepEqual(records(['a\nb']), ['T stdout F a', 'T stdout P b']);
  });

  it('lose the return before their end, and no other', () => {
    assert.deepEqual(records(['a\r\nb\rc\r\n\r\n']), [
      'T stdout F a',
      'T stdout F b\rc',
      'T stdout F ',
    ]);
  });

  it('that are long come in parts of 16 KiB, and one full at the end', () => {
    const long = 'x'.repeat(LINE_BYTES_MAX * 2 + 5);
    const sizes = records([`${long}\n`]).map((line) => [line.split(' ')[2], line.length - 11]);
    assert.deepEqual(sizes, [
      ['P', LINE_BYTES_MAX],
      ['P', LINE_BYTES_MAX],
      ['F', 5],
    ]);
    const exact = records([`${'x'.repeat(LINE_BYTES_MAX)}\n`]);
    assert.deepEqual(
      exact.map((line) => line.split(' ')[2]),
      ['F'],
    );
  });

  it('hold all that was written, however it is cut', () => {
    const output = fc.array(
      fc.oneof(
        fc.stringMatching(/^[a-z]{0,9}$/),
        fc.constant('\n'),
        fc.constant('y'.repeat(LINE_BYTES_MAX + 3)),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(output, (chunks) => {
        const content = records(chunks)
          .map((line) => line.slice('T stdout F '.length) + (line[9] === 'F' ? '\n' : ''))
          .join('');
        assert.equal(content, chunks.join(''));
      }),
      { numRuns: 50 },
    );
  });
});

describe('the nanosecond clock', () => {
  it('is written with nine digits', () => {
    assert.equal(formatNanoTime(1_000_000_005n, isoTime), '1970-01-01T00:00:01.000000005Z');
  });

  it('goes on with the monotonic clock', () => {
    const clock = new FakeClock();
    const nano = new NanoClock(clock);
    const before = nano.now();
    clock.advance(5);
    assert.equal(nano.now() - before, 5_000_000n);
  });
});
