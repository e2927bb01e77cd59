/** The channels of the WebSocket protocols, how commands end, sizes, and URLs that work once. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type ChannelProtocol,
  COMMAND_PROTOCOLS,
  chooseProtocol,
  decodeMessage,
  encodeMessage,
  FORWARD_PROTOCOLS,
} from '../../../../agent/runtime/streaming/channels.ts';
import { Offers } from '../../../../agent/runtime/streaming/offers.ts';
import { outcomeMessage } from '../../../../agent/runtime/streaming/outcome.ts';
import { TerminalSizes } from '../../../../agent/runtime/streaming/terminal-sizes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

function protocol(name: string): ChannelProtocol {
  const found = COMMAND_PROTOCOLS.find((each) => each.name === name);
  assert.ok(found !== undefined);
  return found;
}
const V5 = protocol('v5.channel.k8s.io');
const V4 = protocol('v4.channel.k8s.io');
const BASE64 = protocol('v4.base64.channel.k8s.io');

describe('the channels', () => {
  it('use the best version that the client offers, the oldest when it offers none', () => {
    const choose = (...names: string[]) => chooseProtocol(new Set(names), COMMAND_PROTOCOLS)?.name;
    assert.equal(choose('v4.channel.k8s.io', 'v5.channel.k8s.io'), 'v5.channel.k8s.io');
    assert.equal(choose('channel.k8s.io'), 'channel.k8s.io');
    assert.equal(choose('base64.channel.k8s.io', 'SPDY/3.1'), 'base64.channel.k8s.io');
    assert.equal(choose('SPDY/3.1'), undefined);
    assert.equal(choose(), '');
    assert.deepEqual(
      FORWARD_PROTOCOLS.map(({ name }) => name),
      ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'],
    );
  });

  it('carry data, and the end of a channel in version 5 only', () => {
    const decode = (bytes: readonly number[], by = V5) =>
      decodeMessage(Buffer.from(bytes), true, by);
    assert.deepEqual(decode([0, 65]), { kind: 'data', channel: 0, data: Buffer.from('A') });
    assert.deepEqual(decode([255, 0]), { kind: 'close', channel: 0 });
    assert.deepEqual(decode([255, 0], V4), { kind: 'ignored' });
    assert.deepEqual(decode([255]), { kind: 'ignored' });
    assert.deepEqual(decode([]), { kind: 'ignored' });
    assert.deepEqual(decodeMessage(Buffer.from('0A'), false, V5), { kind: 'ignored' });
  });

  it('come back as they were sent, in binary and in base64', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.uint8Array({ maxLength: 64 }), (channel, bytes) => {
        for (const by of [V5, V4, BASE64]) {
          const message = encodeMessage(channel, bytes, by);
          assert.equal(typeof message === 'string', by.isBase64);
          const decoded = decodeMessage(Buffer.from(message), !by.isBase64, by);
          assert.deepEqual(decoded, { kind: 'data', channel, data: Buffer.from(bytes) });
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, isBinary) => {
        for (const by of COMMAND_PROTOCOLS) decodeMessage(Buffer.from(bytes), isBinary, by);
      }),
    );
  });
});

describe('the sizes of a terminal', () => {
  it('are read however they are cut; the last of several counts', () => {
    const sizes = new TerminalSizes();
    const push = (text: string) => sizes.push(Buffer.from(text));
    assert.deepEqual(push('{"Width":80,"Height":24}\n'), { width: 80, height: 24 });
    assert.equal(push('{"Width":1,"He'), undefined);
    assert.deepEqual(push('ight":2}{"Width":3,"Height":4}'), { width: 3, height: 4 });
  });

  it('are ignored when they are none, and none pile up', () => {
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{"Width":-1,"Height":1}',
      '{"Width":1e9,"Height":1}',
    ]) {
      assert.equal(new TerminalSizes().push(Buffer.from(text)), undefined, text);
    }
    const sizes = new TerminalSizes();
    for (let round = 0; round < 1_000; round += 1) sizes.push(Buffer.alloc(1024 * 1024, '{'));
    assert.deepEqual(sizes.push(Buffer.from('{"Width":5,"Height":6}')), { width: 5, height: 6 });
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 32 })), (pieces) => {
        const any = new TerminalSizes();
        for (const piece of pieces) any.push(Buffer.from(piece));
      }),
    );
  });
});

describe('the end of a command', () => {
  it('is a Status that kubectl reads the exit code from', () => {
    assert.deepEqual(JSON.parse(outcomeMessage({ kind: 'exited', exitCode: 0 }, 'status')), {
      metadata: {},
      status: 'Success',
    });
    const status = JSON.parse(outcomeMessage({ kind: 'exited', exitCode: 7 }, 'status'));
    assert.equal(status.reason, 'NonZeroExitCode');
    assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '7' }]);
    const failed = JSON.parse(outcomeMessage({ kind: 'failed', message: 'no' }, 'status'));
    assert.deepEqual([failed.reason, failed.code, failed.message], ['InternalError', 500, 'no']);
  });

  it('is a text before version 4, and nothing when all went well', () => {
    assert.equal(outcomeMessage({ kind: 'exited', exitCode: 0 }, 'text'), '');
    assert.match(outcomeMessage({ kind: 'exited', exitCode: 7 }, 'text'), /exit code 7/);
    assert.equal(outcomeMessage({ kind: 'failed', message: 'no' }, 'text'), 'no');
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
