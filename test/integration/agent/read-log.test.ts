import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readLastLines } from '../../../agent/cri/last-log-lines.ts';
import { parseLogOptions } from '../../../agent/server/log-options.ts';
import { readLog } from '../../../agent/server/read-log.ts';
import { systemClock } from '../../../base/clock.ts';
import { eventually } from '../../support/eventually.ts';

describe('readLog', () => {
  let folder: string;
  let file: string;
  let ended: boolean;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'skt-agent-'));
    file = path.join(folder, '0.log');
    ended = false;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const line = (second: number, text: string, tag = 'F', stream = 'stdout'): string =>
    `2026-01-01T00:00:${String(second).padStart(2, '0')}.5Z ${stream} ${tag} ${text}\n`;

  function reader(query: string, signal = new AbortController().signal) {
    const parsed = parseLogOptions(new URLSearchParams(query), 0);
    assert.ok(parsed.kind === 'options');
    const source = { file, clock: systemClock, hasEnded: async () => ended };
    return readLog(source, parsed.options, signal);
  }

  async function all(query: string): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of reader(query)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it('gives all, the tail, and what is new enough', async () => {
    const lines = Array.from({ length: 50 }, (_, index) => line(index, `line ${index}`));
    writeFileSync(file, lines.join(''));
    assert.equal((await all('')).split('\n').length, 51);
    assert.equal(await all('tailLines=2'), 'line 48\nline 49\n');
    assert.equal(await all('tailLines=0'), '');
    assert.equal((await all('tailLines=100')).split('\n').length, 51);
    assert.equal(await all('sinceTime=2026-01-01T00:00:49Z'), 'line 49\n');
    assert.equal(await all('limitBytes=9'), 'line 0\nli');
    assert.equal(await all('tailLines=1&timestamps=true'), '2026-01-01T00:00:49.5Z line 49\n');
  });

  it('joins partial records, in the tail too', async () => {
    writeFileSync(
      file,
      [
        line(1, 'first'),
        line(2, 'a', 'P'),
        line(2, 'b', 'P'),
        line(2, 'c'),
        line(3, 'z', 'P'),
      ].join(''),
    );
    assert.equal(await all(''), 'first\nabc\nz');
    assert.equal(await all('tailLines=2'), 'abc\nz');
    assert.equal(await all('tailLines=1'), 'z');
    assert.equal(
      await all('tailLines=2&timestamps=true'),
      '2026-01-01T00:00:02.5Z abc\n2026-01-01T00:00:03.5Z z',
    );
  });

  it('finds the tail of a long log', async () => {
    const text = 'x'.repeat(10_000);
    const lines = Array.from({ length: 100 }, (_, index) => line(index % 60, `${index}${text}`));
    writeFileSync(file, lines.join(''));
    for (const count of [1, 7, 42, 99, 100, 1000]) {
      const got = (await all(`tailLines=${count}`)).split('\n').filter((each) => each !== '');
      assert.equal(got.length, Math.min(count, 100));
      assert.ok(got.at(-1)?.startsWith('99x'));
    }
  });

  it('chooses a stream', async () => {
    writeFileSync(file, line(1, 'out') + line(1, 'err', 'F', 'stderr'));
    assert.equal(await all('stream=Stderr'), 'err\n');
  });

  it('follows, across a rotation, until the container has ended', async () => {
    writeFileSync(file, line(1, 'one'));
    let got = '';
    const reading = (async () => {
      for await (const chunk of reader('follow=true')) got += chunk.toString();
    })();
    await eventually('one', () => got === 'one\n');
    appendFileSync(file, line(2, 'two'));
    await eventually('two', () => got === 'one\ntwo\n');
    renameSync(file, `${file}.old`);
    writeFileSync(file, line(3, 'three'));
    await eventually('three', () => got === 'one\ntwo\nthree\n');
    appendFileSync(file, line(4, 'four'));
    ended = true;
    await reading;
    assert.equal(got, 'one\ntwo\nthree\nfour\n');
  });

  it('stops when the reader goes', async () => {
    writeFileSync(file, line(1, 'one'));
    const gone = new AbortController();
    const iterator = reader('follow=true', gone.signal)[Symbol.asyncIterator]();
    assert.equal(String((await iterator.next()).value), 'one\n');
    gone.abort();
    assert.equal((await iterator.next()).done, true);
  });

  it('gives the end of a log for a termination message', async () => {
    writeFileSync(file, [line(1, 'one'), line(2, 'two'), line(3, 'three')].join(''));
    assert.equal(await readLastLines(file, 2, 100), 'two\nthree\n');
    assert.equal(await readLastLines(file, 2, 6), 'three\n');
    assert.equal(await readLastLines(path.join(folder, 'no'), 2, 6), '');
  });
});
