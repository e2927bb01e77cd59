/** Leader election on a Lease of a real API server. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock as clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { runAsLeader } from '../../../client/leader-election.ts';
import { RestClient } from '../../../client/rest-client.ts';
import { leases } from '../../../proto/api/gen/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const lease = { namespace: 'kube-system', name: 'test' };

describe('leader election', () => {
  let server: TestApiServer;
  let client: RestClient;
  before(async () => {
    server = await startTestApiServer();
    const admin = server.clientCertificate('admin', ['system:masters']);
    const connection = {
      server: `https://127.0.0.1:${server.port}`,
      ca: server.pki.ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
      namespace: 'default',
    };
    client = new RestClient({ connection, clock, userAgent: 'skiff-test' });
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  it('has one leader, and the next when it gives up', async () => {
    const leading: string[] = [];
    const start = (identity: string) => {
      const end = new AbortController();
      const lead = async (signal: AbortSignal): Promise<void> => {
        leading.push(identity);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        leading.splice(leading.indexOf(identity), 1);
      };
      const options = { client, clock, logger: silentLogger, lease, identity };
      const running = runAsLeader(options, lead, end.signal);
      return async () => {
        end.abort();
        await running;
      };
    };
    const stopA = start('a');
    await eventually('a leads', () => leading.includes('a'));
    const stopB = start('b');
    const before = await client.get(leases, lease);
    await eventually('a has renewed', async () => {
      const now = await client.get(leases, lease);
      assert.notEqual(now.spec.renewTime, before.spec.renewTime);
      assert.equal(now.spec.holderIdentity, 'a');
    });
    assert.deepEqual(leading, ['a']);
    await stopA();
    await eventually('b leads', () => leading.includes('b'));
    const { spec } = await client.get(leases, lease);
    assert.equal(spec.leaseTransitions, 1);
    await stopB();
    const released = await client.get(leases, lease);
    assert.ok((released.spec.holderIdentity ?? '') === '');
  });
});
