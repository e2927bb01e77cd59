/** Pods on a node's bridge, in network namespaces of our own. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BridgeNetwork } from '../../../agent/runtime/network/bridge.ts';
import { parseCidr } from '../../../agent/runtime/network/cidr.ts';
import { type RunIp, runIp } from '../../../agent/runtime/network/ip-command.ts';
import { Ipam } from '../../../agent/runtime/network/ipam.ts';
import { connectPod } from '../../../agent/runtime/network/pod-link.ts';
import type { PodAttachment } from '../../../agent/runtime/network/pod-network.ts';
import { until } from '../../support/cri-pods.ts';

describe('the addresses of pods', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'skt-cri-ipam-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are each given to one owner, and not again at once', () => {
    const ipam = new Ipam(folder, parseCidr('10.0.0.0/29'));
    assert.equal(ipam.gateway, '10.0.0.1');
    const taken = ['a', 'b', 'c', 'd', 'e'].map((owner) => ipam.take(owner));
    assert.deepEqual(taken, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
    assert.equal(ipam.take('f'), undefined);
    assert.equal(ipam.take('a'), '10.0.0.2');
    ipam.release('b');
    ipam.release('d');
    assert.equal(ipam.take('f'), '10.0.0.3');
    assert.equal(ipam.take('g'), '10.0.0.5');
  });

  it('survive a restart, but for those whose owner has no record', () => {
    const before = new Ipam(folder, parseCidr('10.0.0.0/24'));
    before.take('a');
    before.take('b');
    writeFileSync(path.join(folder, '10.0.0.9'), ''); // Killed between making and writing.
    const after = new Ipam(folder, parseCidr('10.0.0.0/24'));
    after.keepOnly(new Set(['a']));
    assert.equal(after.addressOf('a'), '10.0.0.2');
    assert.deepEqual(readdirSync(folder), ['10.0.0.2']);
    assert.equal(after.take('c'), '10.0.0.10');
  });
});

describe('the network of a node', () => {
  const suffix = randomBytes(4).toString('hex');
  const node = `skt-cri-${suffix}-node`;
  const pods = [`skt-cri-${suffix}-a`, `skt-cri-${suffix}-b`];
  let folder: string;

  const idOf = (name: string): string => `${name.slice(-1)}${suffix}`;
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
  const netns = (name: string): string => `/run/netns/${name}`;
  /** As if this process ran in the node's network namespace. */
  const inNode: RunIp = (commands, path) => runIp(commands, path ?? netns(node));

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'skt-cri-net-'));
    for (const name of [node, ...pods]) ip('netns', 'add', name);
  });
  afterEach(() => {
    for (const name of [node, ...pods.filter((pod) => existsSync(netns(pod)))]) {
      ip('netns', 'delete', name);
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function newNetwork(): BridgeNetwork {
    const sysctls = path.join(folder, 'sysctls');
    mkdirSync(sysctls, { recursive: true });
    return new BridgeNetwork({
      podCidr: '10.231.7.0/24',
      folder,
      runIp: inNode,
      connectPod,
      nodeNetns: netns(node),
      forwardingFile: path.join(sysctls, 'ip_forward'),
    });
  }

  it('lets pods reach each other and the node, and leaves nothing behind', async () => {
    const network = newNetwork();
    await network.setUp();
    await network.setUp();
    const addresses = [];
    for (const name of pods)
      addresses.push(...(await network.attach(podOf(idOf(name)), netns(name))));
    assert.deepEqual(addresses, ['10.231.7.2', '10.231.7.3']);
    const inPod = (...args: string[]): string => ip('netns', 'exec', pods[0] ?? '', ...args);
    inPod('ping', '-c1', '-W2', '10.231.7.3');
    inPod('ping', '-c1', '-W2', '10.231.7.1');
    const shown = inPod('ip', '-o', 'address', 'show', 'dev', 'eth0');
    assert.match(shown, /brd 10\.231\.7\.255/);
    assert.match(inPod('ip', 'route'), /default via 10\.231\.7\.1 dev eth0/);
    assert.match(inPod('ip', 'link', 'show', 'lo'), /UP/);
    assert.match(shown, /10\.231\.7\.2\/24/);
    assert.doesNotMatch(shown, /inet6/);
    for (const name of [...pods.map(idOf), 'unknown']) await network.detach(name);
    for (const name of pods) ip('netns', 'delete', name);
    await until('the links are gone', async () => !ip('-n', node, '-o', 'link').includes('veth'));
    assert.deepEqual(readdirSync(path.join(folder, 'addresses')), []);
  });

  it('undoes an attachment that fails', async () => {
    const network = newNetwork();
    await network.setUp();
    await assert.rejects(network.attach(podOf('feedbeef'), '/run/netns/skt-cri-none'), /ENOENT/);
    // The second time the name is taken in the pod.
    const [pod = ''] = pods;
    await network.attach(podOf('feed1'), netns(pod));
    await assert.rejects(network.attach(podOf('feed2'), netns(pod)), /make vethfeed2: EEXIST/);
    await network.detach('feed1');
    assert.deepEqual(readdirSync(path.join(folder, 'addresses')), []);
    assert.doesNotMatch(ip('-n', node, '-o', 'link'), /vethfeed2|vethfeedbeef/);
  });
});

function podOf(sandboxId: string): PodAttachment {
  const metadata = { name: sandboxId, namespace: 'default', uid: sandboxId, attempt: 0 };
  return { sandboxId, metadata, portMappings: [] };
}
