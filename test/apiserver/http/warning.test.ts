import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { warningHeaders } from '../../../apiserver/http/respond.ts';

describe('warningHeaders', () => {
  it('quotes, and keeps what a header cannot hold out of it', () => {
    assert.deepEqual(warningHeaders(['a "b" \\c\r\nd é']), ['299 - "a \\"b\\" \\\\c d ?"']);
  });

  it('cuts many and long ones', () => {
    const headers = warningHeaders(Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(400)}`));
    assert.equal(headers.length, 16);
    assert.ok(headers.every((header) => header.length <= 256 + '299 - ""'.length));
  });
});
