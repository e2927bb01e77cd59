/** Pods connected by Debian's CNI plugins, through the CRI: bridge, host-local, tuning, portmap. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { RuntimeNode } from '../../support/runtime-node.ts';

const PLUGINS = '/usr/lib/cni';
const skip = existsSync(path.join(PLUGINS, 'bridge')) ? false : `needs ${PLUGINS}/bridge`;
const POD_CIDR = '10.232.9.0/24';
const SLEEP = ['/bin/sleep', '1000000'];

describe('pods connected by CNI plugins', { skip }, () => {
  const node = new RuntimeNode();
  const inNode = (...args: readonly string[]): string =>
    execFileSync('ip', ['netns', 'exec', node.name, ...args], { encoding: 'utf8' });
  const kept = () => readdirSync(path.join(node.runDir, 'network', 'cni'));
  const links = () => [...inNode('ip', '-o', 'link').matchAll(/veth\w+/g)].length;

  before(async () => {
    mkdirSync(node.cniConfDir);
    await node.start();
  });
  after(() => node.close());

  function configure(...more: readonly object[]): void {
    const ipam = {
      type: 'host-local',
      dataDir: path.join(node.folder, 'ipam'),
      ranges: [[{ subnet: '{{.PodCIDR}}' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    };
    const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipam };
    const plugins = [bridge, ...more];
    const text = JSON.stringify({ cniVersion: '1.0.0', name: 'spec', plugins });
    writeFileSync(path.join(node.cniConfDir, '10-spec.conflist'), text);
  }

  async function networkReady() {
    const { status } = await node.client.status({});
    return status?.conditions.find(({ type }) => type === 'NetworkReady');
  }

  it('has no network until there is a configuration', async () => {
    const condition = await networkReady();
    assert.deepEqual([condition?.status, condition?.reason], [false, 'NetworkPluginNotReady']);
    await assert.rejects(node.runSandbox(), /no CNI configuration/);
    configure();
    assert.equal((await networkReady())?.status, true);
  });

  it('has an address of the plugin’s, and gives it back', async () => {
    const sandbox = await node.runSandbox();
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    const address = status?.network?.ip ?? '';
    assert.match(address, /^10\.232\.9\.\d+$/);
    const id = await node.startContainer(sandbox, SLEEP);
    const cmd = ['ip', '-brief', '-4', 'address', 'show', 'eth0'];
    const { stdout } = await node.client.execSync({ container_id: id, cmd });
    assert.ok(stdout.toString().includes(`${address}/${POD_CIDR.split('/')[1]}`));
    inNode('ping', '-c1', '-W2', address);
    assert.deepEqual([kept(), links()], [[`${sandbox}.json`], 1]);
    await node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    assert.deepEqual([kept(), links()], [[], 0]);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    const given = readdirSync(path.join(node.folder, 'ipam', 'spec'));
    assert.ok(!given.includes(address));
  });

  it('runs every plugin of the chain, each with the result of the one before', async () => {
    configure({ type: 'tuning', sysctl: { 'net.core.somaxconn': '77' } });
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, SLEEP);
    const cmd = ['cat', '/proc/sys/net/core/somaxconn'];
    const { stdout } = await node.client.execSync({ container_id: id, cmd });
    assert.equal(stdout.toString().trim(), '77');
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('gives a pod a port of the node by the plugin that can', async () => {
    configure({ type: 'portmap', capabilities: { portMappings: true } });
    const sandbox = await node.runSandbox({
      port_mappings: [{ protocol: 'TCP', container_port: 8080, host_port: 18_080 }],
    });
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    const rules = inNode('iptables-save', '-t', 'nat');
    assert.ok(rules.includes(`--to-destination ${status?.network?.ip}:8080`), rules);
    assert.match(rules, /--dport 18080/);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    assert.doesNotMatch(inNode('iptables-save', '-t', 'nat'), /18080/);
  });

  it('undoes what the first plugins did when a later one fails', async () => {
    configure({ type: 'no-such-plugin' });
    assert.match((await networkReady())?.message ?? '', /"no-such-plugin" is not in/);
    await assert.rejects(node.runSandbox(), /CNI plugin "no-such-plugin" is not in/);
    configure({ type: 'tuning', sysctl: { 'net.no.such': '1' } });
    await assert.rejects(node.runSandbox(), /CNI plugin "tuning" failed/);
    configure();
    assert.deepEqual([(await node.client.listPodSandbox({})).items, kept(), links()], [[], [], 0]);
  });
});
