import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/event-recorder.ts';
import type { Event } from '../../proto/api/gen/core-v1.ts';
import { events } from '../../proto/api/gen/resources.ts';
import { badRequest, notFound } from '../../proto/api/status-error.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

function setUp(failures: Error[] = []) {
  const clock = new FakeClock();
  const created: Event[] = [];
  const patched: unknown[] = [];
  const fail = (): void => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
  };
  const client = {
    create: async (_resource: unknown, event: Event) => {
      fail();
      created.push(event);
    },
    patch: async (_resource: unknown, target: { name: string }, _type: string, body: object) => {
      fail();
      patched.push({ name: target.name, ...body });
    },
  } as unknown as Pick<Client, 'create' | 'patch'>;
  const recorder = new EventRecorder({
    client,
    clock,
    logger: silentLogger,
    component: 'kubelet',
    host: 'node-1',
  });
  return { clock, created, patched, recorder };
}

const metadata = {
  namespace: 'ns',
  name: 'web',
  uid: 'u',
  resourceVersion: '3',
  creationTimestamp: '',
};
const pod = { apiVersion: 'v1', kind: 'Pod', metadata };
const podNamed = (name: string) => ({ ...pod, metadata: { ...metadata, name, uid: name } });
const later = { ...pod, metadata: { ...metadata, resourceVersion: '4' } };

describe('EventRecorder', () => {
  it('writes an event, and counts its repetition at any version of the object', async () => {
    const { clock, created, patched, recorder } = setUp();
    recorder.record(pod, 'Normal', 'Pulled', 'Pulled it');
    await recorder.flush();
    await clock.advance(2_000);
    recorder.record(later, 'Normal', 'Pulled', 'Pulled it');
    recorder.record(later, 'Warning', 'Failed', 'Another');
    await recorder.flush();
    assert.equal(created.length, 2);
    const [event] = created;
    assert.equal(event?.metadata.namespace, 'ns');
    assert.match(event?.metadata.name ?? '', /^web\.[0-9a-f]+$/);
    assert.deepEqual(event?.source, { component: 'kubelet', host: 'node-1' });
    assert.equal(event?.firstTimestamp, '2026-01-01T00:00:00Z');
    const lastTimestamp = '2026-01-01T00:00:02Z';
    assert.deepEqual(patched, [
      { name: event?.metadata.name, count: 2, message: 'Pulled it', lastTimestamp },
    ]);
  });

  it('keeps the count when the first event is gone', async () => {
    const failures: Error[] = [];
    const { created, recorder } = setUp(failures);
    recorder.record(pod, 'Normal', 'Pulled', 'Pulled it');
    await recorder.flush();
    failures.push(notFound(events, 'web.1'));
    recorder.record(pod, 'Normal', 'Pulled', 'Pulled it');
    await recorder.flush();
    assert.deepEqual(
      created.map(({ count }) => count),
      [1, 2],
    );
  });

  it('tries again when the server is away, but not when it answered', async () => {
    const { clock, created, recorder } = setUp([new Error('refused'), badRequest('no')]);
    recorder.record(pod, 'Normal', 'A', 'tried again, then answered');
    recorder.record(pod, 'Normal', 'B', 'written');
    await settle();
    await clock.advance(1_000);
    await recorder.flush();
    assert.deepEqual(
      created.map(({ reason }) => reason),
      ['B'],
    );
  });

  it('writes several at a time, and those about one object in order', async () => {
    const started: string[] = [];
    const answers: (() => void)[] = [];
    const create = async (_resource: unknown, { message = '' }: Event): Promise<void> => {
      started.push(message);
      await new Promise<void>((resolve) => answers.push(resolve));
    };
    const client = { create } as unknown as Pick<Client, 'create' | 'patch'>;
    const dependencies = { client, clock: new FakeClock(), logger: silentLogger };
    const recorder = new EventRecorder({ ...dependencies, component: 'scheduler' });
    recorder.record(pod, 'Normal', 'A', 'first');
    recorder.record(pod, 'Normal', 'B', 'second');
    recorder.record(podNamed('other'), 'Normal', 'A', 'of another');
    await settle();
    assert.deepEqual(started, ['first', 'of another']);
    for (const answer of answers.splice(0)) answer();
    await settle();
    assert.deepEqual(started, ['first', 'of another', 'second']);
    for (const answer of answers.splice(0)) answer();
    await recorder.flush();
  });

  it('drops what does not fit and goes on', async () => {
    const { created, recorder } = setUp();
    for (let number = 0; number < 10_200; number += 1) {
      recorder.record(podNamed(`web-${number}`), 'Normal', 'A', 'message');
    }
    await recorder.flush();
    assert.equal(created.length, 10_000);
    recorder.record(pod, 'Normal', 'A', 'and on');
    await recorder.close();
    recorder.record(pod, 'Normal', 'A', 'closed');
    await recorder.flush();
    assert.ok(created.every(({ message }) => message !== 'closed'));
  });
});
