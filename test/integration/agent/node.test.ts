import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { leases, nodes } from '../../../proto/api/gen/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { NODE, NodeHarness } from './node-harness.ts';

describe('a node', () => {
  let h: NodeHarness;

  before(async () => {
    h = await NodeHarness.create();
  });
  after(async () => {
    await h.close();
    assert.deepEqual(await h.leftovers(), []);
  });

  it('registers itself and becomes Ready', async () => {
    const node = await eventually('Ready', async () => {
      const found = await h.client.get(nodes, { name: NODE });
      const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
      assert.equal(ready?.status, 'True', `${ready?.message}\n${h.log('agent')}`);
      return found;
    });
    assert.equal(node.spec?.podCIDR, h.podCidr);
    assert.equal(node.status?.nodeInfo?.kubeletVersion, 'v1.36.3+skiff');
    assert.equal(node.status?.capacity?.pods, '110');
    assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], NODE);
  });

  it('keeps its lease', async () => {
    const lease = await eventually('lease', () =>
      h.client.get(leases, { namespace: 'kube-node-lease', name: NODE }),
    );
    assert.equal(lease.spec.leaseDurationSeconds, 40);
    assert.equal(lease.metadata.ownerReferences?.[0]?.name, NODE);
  });
});
