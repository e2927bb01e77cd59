import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { runAsLeader } from '../../client/leader-election.ts';
import type { Lease } from '../../proto/api/gen/coordination-v1.ts';
import { leases } from '../../proto/api/gen/resources.ts';
import { alreadyExists, conflict, MODIFIED, notFound } from '../../proto/api/status-error.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';

/** One lease, with compare-and-swap; instances in `cut` can't reach it. */
function leaseServer() {
  let stored: Lease | undefined;
  let version = 0;
  const cut = new Set<string>();
  const clientOf = (identity: string) => {
    const reach = (): void => {
      if (cut.has(identity)) throw new Error('unreachable');
    };
    const client = {
      get: async () => {
        reach();
        if (stored === undefined) throw notFound(leases, 'l');
        return stored;
      },
      create: async (_resource: unknown, lease: Lease) => {
        reach();
        if (stored !== undefined) throw alreadyExists(leases, 'l');
        version += 1;
        stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(version) } };
      },
      update: async (_resource: unknown, lease: Lease) => {
        reach();
        if (lease.metadata.resourceVersion !== stored?.metadata.resourceVersion) {
          throw conflict(leases, 'l', MODIFIED);
        }
        version += 1;
        stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(version) } };
      },
    };
    return client as unknown as Pick<Client, 'get' | 'create' | 'update'>;
  };
  return { clientOf, cut, lease: () => stored };
}

function setUp() {
  const clock = new FakeClock();
  const server = leaseServer();
  const leading: string[] = [];
  const start = (identity: string) => {
    const controller = new AbortController();
    const lead = async (signal: AbortSignal): Promise<void> => {
      leading.push(identity);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      leading.splice(leading.indexOf(identity), 1);
    };
    const lease = { namespace: 'kube-system', name: 'l' };
    const client = server.clientOf(identity);
    const options = { client, clock, logger: silentLogger, lease, identity };
    const done = runAsLeader(options, lead, controller.signal);
    return { controller, done };
  };
  return { clock, server, leading, start };
}

describe('runAsLeader', () => {
  it('has one leader; the next follows when it gives up', async () => {
    const { clock, server, leading, start } = setUp();
    const a = start('a');
    const b = start('b');
    await settle();
    for (let seconds = 0; seconds < 60; seconds += 2) {
      await clock.advance(2_000);
      assert.deepEqual(leading, ['a']);
    }
    a.controller.abort();
    await a.done;
    await clock.advance(2_000);
    assert.deepEqual(leading, ['b']);
    assert.equal(server.lease()?.spec.leaseTransitions, 1);
    b.controller.abort();
    await b.done;
    assert.equal(server.lease()?.spec.holderIdentity, '');
    assert.equal(clock.pending, 0);
  });

  it('stops a leader that is cut off before another begins', async () => {
    const { clock, server, leading, start } = setUp();
    const a = start('a');
    await settle();
    const lost = assert.rejects(a.done, /Leadership was lost/);
    const b = start('b');
    await clock.advance(4_000);
    server.cut.add('a');
    for (let seconds = 0; seconds < 30; seconds += 1) {
      await clock.advance(1_000);
      assert.ok(leading.length <= 1);
    }
    await lost;
    assert.deepEqual(leading, ['b']);
    b.controller.abort();
    await b.done;
  });
});
