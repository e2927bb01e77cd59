/** Which namespaces the containers of a pod share, by what the CRI asks for. */

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Input, NamespaceOption } from '../../../../proto/cri/types.ts';
import { until } from '../../../support/cri-pods.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, sandboxWith } from '../../../support/security-pods.ts';
import { notHere } from '../../../support/spawner-harness.ts';

const SLEEP = ['/bin/sleep', '1000'];

describe('namespaces of a pod', { skip: notHere }, () => {
  let node: RuntimeNode;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
  });
  after(() => node.close());

  const start = (
    sandbox: string,
    name: string,
    options: Input<NamespaceOption>,
    command: readonly string[] = SLEEP,
  ) =>
    node.startContainer(sandbox, command, {
      metadata: { name, attempt: 0 },
      linux: { security_context: { namespace_options: options } },
    });
  const run = async (id: string, command: string) => {
    const cmd = ['/bin/sh', '-c', command];
    const { stdout, stderr } = await node.client.execSync({ container_id: id, cmd, timeout: 10 });
    return `${stdout}${stderr}`.trim();
  };
  const namespace = async (id: string, name: string) =>
    readlinkSync(`/proc/${await node.pidOf(id)}/ns/${name}`);
  const ownNamespace = (name: string) => readlinkSync(`/proc/${process.pid}/ns/${name}`);
  const remove = (sandbox: string) => node.client.removePodSandbox({ pod_sandbox_id: sandbox });

  it('share PIDs in the mode POD, with a first process that reaps', async () => {
    const sandbox = await node.runSandbox(sandboxWith({ pid: 'POD' }));
    const one = await start(sandbox, 'one', { pid: 'POD' });
    const two = await start(sandbox, 'two', { pid: 'POD' });
    assert.equal(await namespace(one, 'pid'), await namespace(two, 'pid'));
    assert.equal(await run(one, 'cat /proc/1/comm; pgrep -c sleep'), 'pause\n2');
    // An orphan comes to the first process, which takes it off the list when it ends.
    await run(one, '(sh -c "exec true" & ) ; sh -c "setsid sh -c true & kill -9 $$" || true');
    await until('no zombie is left', async () => {
      return (await run(one, 'grep -l "^State:.Z" /proc/[0-9]*/status')) === '';
    });
    const facts = 'grep -E "^(CapBnd|NoNewPrivs|Uid)" /proc/1/status';
    const init = await run(one, facts);
    assert.match(init, /Uid:\t65535\t/);
    assert.match(init, /CapBnd:\t0{16}/);
    assert.match(init, /NoNewPrivs:\t1/);
    // Signals from inside do not reach it.
    await run(one, 'kill -9 1; kill -TERM 1; kill -INT 1');
    assert.equal(await run(two, 'cat /proc/1/comm'), 'pause');
    // One container is stopped, with all that it has started; the other goes on.
    await node.client.stopContainer({ container_id: one, timeout: 0 });
    assert.equal(await run(two, 'pgrep -c sleep'), '1');
    await remove(sandbox);
  });

  it('find the first process again after the spawner and the runtime were killed', async () => {
    const sandbox = await node.runSandbox(sandboxWith({ pid: 'POD' }));
    const one = await start(sandbox, 'one', { pid: 'POD' });
    const before = await namespace(one, 'pid');
    process.kill(await node.spawnerPid(), 'SIGKILL');
    await node.stop('SIGKILL');
    await node.start();
    const two = await start(sandbox, 'two', { pid: 'POD' });
    assert.equal(await namespace(two, 'pid'), before);
    await remove(sandbox);
  });

  it('are refused in the mode POD when the sandbox has none', async () => {
    const sandbox = await node.runSandbox();
    await assert.rejects(start(sandbox, 'one', { pid: 'POD' }), {
      code: 'INVALID_ARGUMENT',
      message: /the sandbox has no PID namespace for its containers/,
    });
    await remove(sandbox);
  });

  it('have PIDs of their own, of the node, or of another container', async () => {
    const sandbox = await node.runSandbox(sandboxWith({ pid: 'CONTAINER' }));
    const own = await start(sandbox, 'own', { pid: 'CONTAINER' });
    assert.equal(await run(own, 'cat /proc/1/comm'), 'sleep');
    const target = await start(sandbox, 'debug', { pid: 'TARGET', target_id: own });
    assert.equal(await namespace(target, 'pid'), await namespace(own, 'pid'));
    assert.equal(await run(target, 'cat /proc/1/comm'), 'sleep');
    const host = await start(sandbox, 'host', { pid: 'NODE' });
    assert.equal(await namespace(host, 'pid'), ownNamespace('pid'));
    assert.equal(await run(host, `test -d /proc/${await node.spawnerPid()} && echo seen`), 'seen');
    await remove(sandbox);
  });

  it('share network, IPC and host name, or have the node’s', async () => {
    const sandbox = await node.runSandbox();
    const one = await start(sandbox, 'one', { pid: 'CONTAINER' });
    const two = await start(sandbox, 'two', { pid: 'CONTAINER' });
    for (const name of ['net', 'ipc', 'uts']) {
      assert.equal(await namespace(one, name), await namespace(two, name), name);
      assert.notEqual(await namespace(one, name), ownNamespace(name), name);
    }
    await remove(sandbox);
    const open = await node.runSandbox({
      ...sandboxWith({ network: 'NODE', ipc: 'NODE' }),
      hostname: '',
    });
    const three = await start(open, 'three', { pid: 'CONTAINER', network: 'NODE', ipc: 'NODE' });
    const spawner = await node.spawnerPid();
    for (const name of ['net', 'ipc', 'uts']) {
      assert.equal(await namespace(three, name), readlinkSync(`/proc/${spawner}/ns/${name}`), name);
    }
    await remove(open);
  });

  it('have the sysctls of the pod, and no others', async () => {
    const base = sandboxWith({});
    const sysctls = { 'kernel.shm_rmid_forced': '1', 'net.core.somaxconn': '99' };
    const sandbox = await node.runSandbox({ linux: { ...base.linux, sysctls } });
    const read = 'cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/core/somaxconn';
    assert.equal(await printed(node, sandbox, read), '1\n99');
    await remove(sandbox);
    const bad = ['kernel.panic', 'vm.swappiness', 'net/../kernel.panic', 'kernel.shm../panic'];
    for (const name of bad) {
      const refused = node.runSandbox({ linux: { ...base.linux, sysctls: { [name]: '1' } } });
      await assert.rejects(refused, { code: 'INVALID_ARGUMENT' }, name);
    }
  });
});
