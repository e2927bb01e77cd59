/** Attacks by too much of something, and by way of the pod's network. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { CONTAINER_PIDS_MAX } from '../../../../agent/runtime/sandbox/resources.ts';
import { CRI_MESSAGE_BYTES_MAX } from '../../../../proto/cri/rpcs.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed } from '../../../support/security-pods.ts';
import { notHere } from '../../../support/spawner-harness.ts';

describe('attacks by too much', { skip: notHere }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  let container: string;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
    container = await node.startContainer(sandbox, ['/bin/sleep', '1000']);
  });
  after(() => node.close());

  const exec = (script: string) =>
    node.client.execSync({ container_id: container, cmd: ['/bin/sh', '-c', script], timeout: 30 });

  it('output of a command is bounded, and read to its end (CVE-2022-1708, CVE-2022-31030)', async () => {
    const { stdout, stderr, exit_code } = await exec(
      'head -c 40000000 /dev/zero; head -c 40000000 /dev/zero >&2; exit 3',
    );
    assert.equal(exit_code, 3);
    assert.ok(stdout.length > 1_000_000 && stderr.length > 1_000_000);
    assert.ok(stdout.length + stderr.length < CRI_MESSAGE_BYTES_MAX);
  });

  it('a command is over when it ends, also when something that it started holds its output', async () => {
    const { stdout, exit_code } = await exec('echo begun; sleep 600 & exit 4');
    assert.equal(exit_code, 4);
    assert.equal(stdout.toString(), 'begun\n');
  });

  it('processes have a limit without being asked', async () => {
    const files = '/sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max';
    const limit = await printed(node, sandbox, `cat ${files} 2>/dev/null | head -n 1`);
    assert.equal(limit, String(CONTAINER_PIDS_MAX));
  });

  it('shared memory and /dev have a size', async () => {
    const script = 'df --output=size /dev/shm /dev | tail -n 2 | tr -d " "';
    assert.equal(await printed(node, sandbox, script), '65536\n65536');
  });

  it('the node’s loopback is not routed to, nor are routers believed (CVE-2020-8558, CVE-2020-10749)', async () => {
    const routed = 'cat /proc/sys/net/ipv4/conf/*/route_localnet | sort -u';
    const inNode = execFileSync('ip', ['netns', 'exec', node.name, 'sh', '-c', routed], {
      encoding: 'utf8',
    });
    assert.equal(inNode.trim(), '0');
    const files = '/proc/sys/net/ipv6/conf/{all,default,eth0}/accept_ra';
    const believed = `bash -c 'cat ${files} 2>/dev/null' | sort -u`;
    assert.match(await printed(node, sandbox, believed), /^0?$/);
  });
});
