import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { shareCapacity } from '../../../lab/cluster/capacity.ts';
import { hostInterface, type LabSpec } from '../../../lab/cluster/lab-spec.ts';
import { findLeftovers } from '../../../lab/cluster/leftovers.ts';
import { makeNetwork, removeNetwork } from '../../../lab/cluster/network.ts';
import { claimSubnet, releaseSubnets } from '../../../lab/cluster/subnet.ts';
import { usedSubnets } from '../../../lab/doctor/facts.ts';
import { runTool } from '../../../lab/run-tool.ts';

describe('the network of a lab', () => {
  const name = `t${randomBytes(4).toString('hex')}`;
  let spec: LabSpec;

  before(() => {
    spec = {
      name,
      nodes: shareCapacity({ cpus: 2, memoryBytes: 8 * 1024 ** 3 }, 2),
      store: 'embedded',
      etcdEndpoints: [],
      port: 6443,
      subnet: claimSubnet(name, usedSubnets(), undefined),
      dataDir: `/nonexistent/${name}`,
      runDir: `/run/skiff/labs/${name}`,
    };
  });

  after(() => {
    removeNetwork(spec);
    releaseSubnets(name);
  });

  it('joins host, control plane and nodes, and leaves nothing when removed', () => {
    makeNetwork(spec);
    const netns = `--net=/run/netns/skiff-${name}-node-1`;
    runTool('ping', ['-c1', '-W2', `10.${spec.subnet}.0.12`]);
    runTool('nsenter', [netns, 'ping', '-c1', '-W2', `10.${spec.subnet}.0.12`]);
    runTool('nsenter', [netns, 'ping', '-c1', '-W2', `10.${spec.subnet}.0.254`]);

    const while_ = findLeftovers(spec).filter(({ left }) => left.length > 0);
    assert.deepEqual(
      while_.map(({ what }) => what),
      ['network namespaces', 'veths'],
    );

    removeNetwork(spec);
    assert.equal(existsSync(`/sys/class/net/${hostInterface(name)}`), false);
    assert.deepEqual(
      findLeftovers(spec).filter(({ left }) => left.length > 0),
      [],
    );
  });

  it('removes what is not there without a fault', () => {
    removeNetwork(spec);
    removeNetwork(spec);
  });

  it('claims each subnet for one lab, and the same again for the same lab', () => {
    const again = claimSubnet(name, new Set(), spec.subnet);
    assert.equal(again, spec.subnet);
    const other = `${name}-b`;
    const subnet = claimSubnet(other, new Set(), spec.subnet);
    assert.notEqual(subnet, spec.subnet);
    releaseSubnets(other);
  });
});
