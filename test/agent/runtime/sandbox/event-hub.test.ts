/** Events reach every listener in order; a slow one is dropped. Locks keep their order. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventHub } from '../../../../agent/runtime/sandbox/event-hub.ts';
import { KeyedLock } from '../../../../agent/runtime/sandbox/keyed-lock.ts';

describe('the event hub', () => {
  it('gives each listener all events from its start on', async () => {
    const hub = new EventHub();
    const controller = new AbortController();
    const events = hub.listen(controller.signal);
    const first = events.next();
    hub.publish({ container_id: 'a' });
    hub.publish({ container_id: 'b' });
    assert.deepEqual(await first, { done: false, value: { container_id: 'a' } });
    assert.deepEqual(await events.next(), { done: false, value: { container_id: 'b' } });
    const last = events.next();
    controller.abort();
    assert.equal((await last).done, true);
    assert.equal(hub.hasListeners, false);
  });

  it('drops a listener that does not read', async () => {
    const hub = new EventHub();
    const events = hub.listen(new AbortController().signal);
    const first = events.next();
    for (let count = 0; count < 5_000; count += 1) hub.publish({ container_id: String(count) });
    await assert.rejects(first, { code: 'RESOURCE_EXHAUSTED' });
    assert.equal(hub.hasListeners, false);
  });
});

describe('a keyed lock', () => {
  it('runs one at a time for a key, in order, also after a failure', async () => {
    const lock = new KeyedLock();
    const seen: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = lock.run('a', async () => {
      await gate.promise;
      seen.push('first');
      throw new Error('no');
    });
    const second = lock.run('a', async () => void seen.push('second'));
    await lock.run('b', async () => void seen.push('other'));
    gate.resolve();
    await assert.rejects(first, /no/);
    await second;
    assert.deepEqual(seen, ['other', 'first', 'second']);
  });
});
