/** The channels of the remote command protocol, and URLs that work once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  channelMessage,
  chooseSubprotocol,
  outcomeMessage,
  parseClientMessage,
} from '../../../../agent/runtime/streaming/channels.ts';
import { Offers } from '../../../../agent/runtime/streaming/offers.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const V5 = 'v5.channel.k8s.io';
const V4 = 'v4.channel.k8s.io';

describe('the channels', () => {
  it('use the best version that the client offers', () => {
    assert.equal(chooseSubprotocol(new Set([V4, V5])), V5);
    assert.equal(chooseSubprotocol(new Set(['channel.k8s.io'])), 'channel.k8s.io');
    assert.equal(chooseSubprotocol(new Set(['base64.channel.k8s.io', 'SPDY/3.1'])), undefined);
  });

  it('carry input, its end in version 5 only, and sizes', () => {
    const parse = (bytes: readonly number[], protocol: typeof V4 | typeof V5 = V5) =>
      parseClientMessage(Buffer.from(bytes), protocol);
    assert.deepEqual(parse([0, 65]), { kind: 'stdin', data: Buffer.from('A') });
    assert.deepEqual(parse([255, 0]), { kind: 'stdin-end' });
    assert.deepEqual(parse([255, 0], V4), { kind: 'ignored' });
    assert.deepEqual(parse([255, 1]), { kind: 'ignored' });
    const size = channelMessage(4, Buffer.from('{"Width":80,"Height":24}\n'));
    assert.deepEqual(parseClientMessage(size, V5), { kind: 'resize', width: 80, height: 24 });
  });

  it('ignore sizes that are none, and never throw', () => {
    for (const text of [
      '',
      '{',
      'null',
      '{"Width":-1,"Height":1}',
      '{"Width":1e9,"Height":1}',
      '[]',
    ]) {
      const message = channelMessage(4, Buffer.from(text));
      assert.deepEqual(parseClientMessage(message, V5), { kind: 'ignored' }, text);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        parseClientMessage(Buffer.from(bytes), V5);
      }),
    );
  });

  it('end with a Status that kubectl reads the exit code from', () => {
    assert.deepEqual(JSON.parse(outcomeMessage({ kind: 'exited', exitCode: 0 }, V5)), {
      metadata: {},
      status: 'Success',
    });
    const status = JSON.parse(outcomeMessage({ kind: 'exited', exitCode: 7 }, V5));
    assert.equal(status.reason, 'NonZeroExitCode');
    assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '7' }]);
    const failed = JSON.parse(outcomeMessage({ kind: 'failed', message: 'no' }, V4));
    assert.deepEqual([failed.reason, failed.code, failed.message], ['InternalError', 500, 'no']);
    assert.equal(outcomeMessage({ kind: 'exited', exitCode: 0 }, 'channel.k8s.io'), '');
  });
});

describe('an offered stream', () => {
  it('is taken once', () => {
    const clock = new FakeClock();
    const offers = new Offers<string>(clock);
    const token = offers.put('a');
    assert.match(token, /^[A-Za-z0-9_-]{20,}$/);
    assert.equal(offers.take(token), 'a');
    assert.equal(offers.take(token), undefined);
    assert.equal(clock.pending, 0);
  });

  it('is gone after a minute, and there are not too many', async () => {
    const clock = new FakeClock();
    const offers = new Offers<number>(clock);
    const tokens = Array.from({ length: 1_000 }, (_, index) => offers.put(index));
    assert.throws(() => offers.put(0), { code: 'RESOURCE_EXHAUSTED' });
    await clock.advance(60_000);
    assert.equal(offers.take(tokens[0] ?? ''), undefined);
    assert.ok(offers.put(0));
    offers.clear();
    assert.equal(clock.pending, 0);
  });
});
