import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  canonicalMicroTime,
  canonicalTime,
  formatMicroTime,
  formatTime,
  parseTime,
} from '../../../proto/api/time.ts';

describe('time', () => {
  it('is printed in UTC with whole seconds, or with six decimals', () => {
    assert.equal(formatTime(1_767_323_045_678), '2026-01-02T03:04:05Z');
    assert.equal(formatMicroTime(1_767_323_045_678, 9), '2026-01-02T03:04:05.678009Z');
  });

  it('is parsed with any zone, and nothing else is', () => {
    assert.equal(parseTime('2026-01-02T04:04:05.678+01:00'), 1_767_323_045_678);
    for (const text of ['', '2026-01-02', '2026-01-02T03:04:05', '2026-13-02T03:04:05Z', 'now']) {
      assert.equal(parseTime(text), undefined, text);
    }
  });

  it('has one form', () => {
    assert.equal(canonicalTime('2026-01-02T04:04:05.9+01:00'), '2026-01-02T03:04:05Z');
    assert.equal(canonicalTime('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05Z');
    assert.equal(canonicalMicroTime('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000000Z');
    assert.equal(canonicalMicroTime('2026-01-02T03:04:05.1234567Z'), '2026-01-02T03:04:05.123456Z');
    assert.equal(canonicalTime('soon'), undefined);
  });
});
