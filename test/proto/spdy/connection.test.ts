/** A SPDY connection in memory: what a peer may cause, and what it may not. */

import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  CONNECTION_BUFFER_BYTES,
  SpdyConnection,
  STREAM_BUFFER_BYTES,
  STREAMS_MAX,
} from '../../../proto/spdy/connection.ts';
import {
  encodePing,
  encodeSettings,
  encodeSynStream,
  encodeWindowUpdate,
} from '../../../proto/spdy/frames.ts';
import type { SpdyStream } from '../../../proto/spdy/stream.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { SpdyTestClient } from '../../support/spdy-client.ts';

const IDLE_MS = 3_600_000;

/** Everything that is on its way in memory has come. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function start(accept = true) {
  const [transport, peer] = duplexPair();
  const clock = new FakeClock();
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection({
    transport,
    clock,
    idleTimeoutMs: IDLE_MS,
    onStream: (stream) => {
      streams.push(stream);
      return accept;
    },
  });
  const run = connection.run();
  const client = new SpdyTestClient(peer, '', Buffer.alloc(0));
  return { transport, peer, clock, streams, connection, run, client };
}

type Started = ReturnType<typeof start>;

async function first(streams: readonly SpdyStream[]): Promise<SpdyStream> {
  return eventually('the stream has come', () => {
    const [stream] = streams;
    assert.ok(stream !== undefined);
    return stream;
  });
}

async function goaway({ client, run }: Started): Promise<void> {
  await eventually('the goodbye', () =>
    client.frames.some((frame) => frame.kind === 'goaway' && frame.status === 1),
  );
  client.close();
  await run;
}

describe('a SPDY connection', () => {
  const open: Started[] = [];
  const begin = (accept?: boolean): Started => {
    const started = start(accept);
    open.push(started);
    return started;
  };
  after(() => {
    for (const { client } of open) client.close();
  });

  it('carries bytes both ways, with an end of their own each', async () => {
    const { client, streams, connection, run } = begin();
    const theirs = await client.open({ streamType: 'data' });
    await client.write(theirs, Buffer.from('to the server'));
    client.end(theirs);
    const ours = await first(streams);
    await eventually('the reply', () => theirs.isReplied);
    assert.equal(ours.headers.get('streamtype'), 'data');
    assert.equal(String(await ours.read()), 'to the server');
    assert.equal(await ours.read(), undefined);
    assert.equal(await ours.write(Buffer.from('to the client')), true);
    assert.equal(ours.isOver, false);
    await ours.end();
    assert.equal(await ours.write(Buffer.from('late')), false);
    await settled();
    assert.deepEqual([String(theirs.received), theirs.isEnded], ['to the client', true]);
    assert.deepEqual([ours.isOver, ours.isReset], [true, false]);
    client.close();
    await run;
    await connection.gone;
  });

  it('answers pings, and refuses streams that its owner does not want', async () => {
    const { client } = begin(false);
    client.socket.write(encodePing(7));
    const stream = await client.open({});
    await client.ended(stream);
    assert.ok(client.frames.some((frame) => frame.kind === 'ping' && frame.id === 7));
    assert.equal(stream.resetStatus, 3);
  });

  it('holds no more than its limit of streams, also of those that are reset at once', async () => {
    const { client, streams } = begin();
    for (let index = 0; index < STREAMS_MAX; index += 1) await client.open({});
    const over = await client.open({});
    await client.ended(over);
    assert.equal(over.resetStatus, 3);
    assert.equal(streams.length, STREAMS_MAX);
    client.reset([...client.streams.values()][0] ?? over);
    const again = await client.open({});
    await eventually('the next', () => again.isReplied);
  });

  it('is not read while a stream holds all it may, and is again when it was read', async () => {
    const { client, streams, transport } = begin();
    const theirs = await client.open({});
    const sent = 4 * STREAM_BUFFER_BYTES;
    const writing = client.write(theirs, Buffer.alloc(sent, 1));
    const ours = await first(streams);
    await eventually('it is full', () => ours.buffered >= STREAM_BUFFER_BYTES);
    await settled();
    // One frame that was cut into pieces may come on top.
    assert.ok(ours.buffered < STREAM_BUFFER_BYTES * 1.5);
    assert.ok(transport.readableLength < STREAM_BUFFER_BYTES);
    let read = 0;
    while (read < sent) read += (await ours.read())?.length ?? 0;
    await writing;
    assert.equal(read, sent);
    assert.ok(client.frames.some((frame) => frame.kind === 'window-update'));
    assert.ok(
      !client.frames.some((frame) => frame.kind === 'window-update' && frame.streamId === 0),
    );
  });

  it('holds no more of all streams together than its limit', async () => {
    const { client, streams } = begin();
    const part = STREAM_BUFFER_BYTES - 32 * 1024;
    const count = Math.ceil(CONNECTION_BUFFER_BYTES / part) + 3;
    const all = Promise.all(
      Array.from({ length: count }, async () => {
        const theirs = await client.open({});
        await client.write(theirs, Buffer.alloc(part));
      }),
    );
    const held = (): number => streams.reduce((sum, stream) => sum + stream.buffered, 0);
    await eventually('it is full', () => held() >= CONNECTION_BUFFER_BYTES);
    await settled();
    assert.ok(held() < CONNECTION_BUFFER_BYTES * 1.1, `${held()}`);
    for (const stream of streams) stream.discard();
    await all;
    await eventually('the others come', () => streams.length === count);
  });

  it("sends what the peer's windows have room for, once the peer has moved one", async () => {
    const { client, streams } = begin();
    client.socket.write(encodeSettings([{ id: 7, value: 1_000 }]));
    const theirs = await client.open({});
    const ours = await first(streams);
    const writing = ours.write(Buffer.alloc(5_000));
    await settled();
    assert.equal(theirs.bytes, 1_000);
    client.socket.write(encodeWindowUpdate(theirs.id, 500));
    await settled();
    assert.equal(theirs.bytes, 1_500);
    client.socket.write(encodeSettings([{ id: 7, value: 10_000 }]));
    assert.equal(await writing, true);
    await settled();
    assert.equal(theirs.bytes, 5_000);
  });

  it('does not count the windows of a peer that has none', async () => {
    const { client, streams } = begin();
    const theirs = await client.open({});
    const ours = await first(streams);
    assert.equal(await ours.write(Buffer.alloc(2 ** 20)), true);
    await settled();
    assert.equal(theirs.bytes, 2 ** 20);
  });

  it('resets a stream whose window grows too large', async () => {
    const { client } = begin();
    const theirs = await client.open({});
    client.socket.write(encodeWindowUpdate(theirs.id, 0x7fff_ffff));
    await client.ended(theirs);
    assert.equal(theirs.resetStatus, 7);
  });

  it('says goodbye to a peer that breaks the rules', async () => {
    const blockOf = async (started: Started): Promise<Buffer> => started.client.compress({});
    const wrong: readonly ((started: Started) => Promise<Buffer>)[] = [
      async () => Buffer.from('GET / HTTP/1.1\r\n\r\n'.padStart(24, '\x80')),
      async () => Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]),
      async () => encodeSynStream(1, Buffer.from('not compressed')),
      async (started) => encodeSynStream(2, await blockOf(started)),
      async () => encodeWindowUpdate(0, 0x7fff_ffff),
      async () => encodeSettings([{ id: 7, value: 0x8000_0000 }]),
    ];
    for (const bytes of wrong) {
      const started = begin();
      started.client.socket.write(await bytes(started));
      await goaway(started);
    }
    const repeated = begin();
    const { client } = repeated;
    client.socket.write(encodeSynStream(5, await client.compress({})));
    client.socket.write(encodeSynStream(3, await client.compress({})));
    await goaway(repeated);
  });

  it('lets no reader or writer wait for a peer that is gone', async () => {
    const { client, streams, run } = begin();
    client.socket.write(encodeSettings([{ id: 7, value: 0 }]));
    const theirs = await client.open({});
    const ours = await first(streams);
    const reading = ours.read();
    const writing = ours.write(Buffer.alloc(10));
    await client.write(theirs, Buffer.alloc(0));
    client.close();
    await run;
    assert.deepEqual(await Promise.all([reading, writing]), [undefined, false]);
    assert.ok(ours.isReset);
  });

  it('pings a silent peer, and leaves one that is idle for too long', async () => {
    const { client, clock, run } = begin();
    await clock.advance(10_000);
    await settled();
    assert.ok(client.frames.some((frame) => frame.kind === 'ping' && frame.id % 2 === 0));
    await clock.advance(IDLE_MS);
    await run;
    assert.equal(clock.pending, 0);
  });

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 }),
        async (changes) => {
          const { client, streams, run } = start();
          const block = await client.compress({ streamType: 'data', port: '80' });
          const bytes = Buffer.concat([
            encodeSynStream(1, block),
            encodePing(1),
            encodeWindowUpdate(1, 9),
            Buffer.from([0, 0, 0, 1, 1, 0, 0, 3, 1, 2, 3]),
          ]);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          client.socket.end(bytes);
          await run;
          assert.ok(streams.length <= 1);
          client.close();
        },
      ),
      { numRuns: 200 },
    );
  });
});
