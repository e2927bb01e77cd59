import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shareCapacity } from '../../lab/cluster/capacity.ts';
import {
  hostInterface,
  type LabSpec,
  NODES_MAX,
  nodeAddress,
  podCidr,
  serviceCidr,
} from '../../lab/cluster/lab-spec.ts';
import { networkPlan } from '../../lab/cluster/network-plan.ts';
import { routedSubnets } from '../../lab/cluster/subnet.ts';

function newSpec(nodes: number): LabSpec {
  return {
    name: 'demo',
    nodes: shareCapacity({ cpus: 2, memoryBytes: 8 * 1024 ** 3 }, nodes),
    store: 'embedded',
    etcdEndpoints: [],
    port: 6443,
    subnet: 200,
    dataDir: '/var/lib/skiff/demo',
    runDir: '/run/skiff/labs/demo',
  };
}

describe('networkPlan', () => {
  it('touches the host with one interface, one address and one route', () => {
    const [host] = networkPlan(newSpec(2));
    assert.equal(host?.netns, undefined);
    assert.deepEqual(
      host?.lines.filter((line) => !line.startsWith('netns')),
      [
        `link add ${hostInterface('demo')} type veth peer name host netns skiff-demo`,
        `address add 10.200.0.254/24 dev ${hostInterface('demo')}`,
        `link set ${hostInterface('demo')} up`,
        `route add 10.200.0.0/16 via 10.200.0.1 dev ${hostInterface('demo')}`,
      ],
    );
  });

  it('gives each node a namespace, an address, and a route to its pods', () => {
    const plan = networkPlan(newSpec(2));
    const node = plan.find(({ netns }) => netns === 'skiff-demo-node-2');
    assert.ok(node?.lines.includes('address add 10.200.0.12/24 dev eth0'));
    const control = plan.find(({ netns }) => netns === 'skiff-demo');
    assert.ok(control?.lines.includes('route add 10.200.2.0/24 via 10.200.0.12'));
  });

  it('keeps the addresses of the largest lab apart', () => {
    const spec = newSpec(NODES_MAX);
    const addresses = spec.nodes.map((node) => nodeAddress(spec, node));
    assert.equal(new Set([...addresses, '10.200.0.1', '10.200.0.254']).size, NODES_MAX + 2);
    assert.ok(addresses.every((address) => Number(address.split('.')[3]) < 254));
    const last = spec.nodes.at(-1);
    assert.equal(last && podCidr(spec, last), '10.200.239.0/24');
    assert.equal(serviceCidr(spec), '10.200.240.0/21');
  });
});

describe('shareCapacity', () => {
  it('never gives out more than the machine has', () => {
    const nodes = shareCapacity({ cpus: 2, memoryBytes: 1000 * 1024 ** 2 }, 3);
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['node-1', 'node-2', 'node-3'],
    );
    assert.equal(nodes[0]?.cpuMilli, 666);
    assert.equal(nodes[0]?.memoryBytes, 300 * 1024 ** 2);
  });
});

describe('routedSubnets', () => {
  it('finds the 10.X networks that the host routes', () => {
    const routes =
      'default via 192.0.2.1 dev eth0\n10.150.0.0/16 via 10.150.0.1 dev v\n10.8.0.0/24 dev tun0\n';
    assert.deepEqual([...routedSubnets(routes)].sort(), [150, 8]);
  });
});
