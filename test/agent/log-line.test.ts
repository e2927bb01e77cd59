import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLogRecord, recordText } from '../../agent/server/log-line.ts';
import { parseLogOptions } from '../../agent/server/log-options.ts';

const parse = (text: string) => parseLogRecord(Buffer.from(text));

describe('parseLogRecord', () => {
  it('reads a record', () => {
    const record = parse('2026-01-01T00:00:00.123456789Z stdout F hello  world ');
    assert.equal(record?.time, '2026-01-01T00:00:00.123456789Z');
    assert.equal(record.stream, 'stdout');
    assert.equal(record.partial, false);
    assert.equal(String(recordText(record)), 'hello  world \n');
  });

  it('joins partial records: no newline', () => {
    const record = parse('2026-01-01T00:00:00Z stderr P:x half');
    assert.equal(record?.partial, true);
    assert.equal(record && String(recordText(record)), 'half');
  });

  it('reads empty lines, with and without the last space', () => {
    assert.equal(parse('2026-01-01T00:00:00Z stdout F ')?.content.length, 0);
    assert.equal(parse('2026-01-01T00:00:00Z stdout F')?.content.length, 0);
  });

  it('is undefined for what is no record', () => {
    for (const text of ['', 'x', 'time stdout', 'time stdin F x', 'time stdout X x']) {
      assert.equal(parse(text), undefined, text);
    }
  });
});

describe('parseLogOptions', () => {
  const parseQuery = (query: string) => parseLogOptions(new URLSearchParams(query), 1_000_000);

  it('reads what a client may ask', () => {
    const parsed = parseQuery('follow=true&tailLines=0&limitBytes=5&sinceSeconds=10&timestamps=1');
    assert.deepEqual(parsed, {
      kind: 'options',
      options: {
        ...{ follow: true, previous: false, timestamps: true, tailLines: 0, limitBytes: 5 },
        ...{ sinceMs: 990_000, stream: 'All' },
      },
    });
  });

  it('refuses nonsense', () => {
    for (const query of [
      ...['tailLines=-1', 'tailLines=x', 'limitBytes=0', 'sinceSeconds=0', 'sinceTime=x'],
      ...['sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', 'stream=Both'],
    ]) {
      assert.equal(parseQuery(query).kind, 'error', query);
    }
  });
});
