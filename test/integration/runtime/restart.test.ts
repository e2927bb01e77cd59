/** kill -9 of the CRI server, at any moment: containers go on, exits are learnt, nothing runs twice. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { until } from '../../support/cri-pods.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';

describe('a runtime that is killed and started again', () => {
  let node: RuntimeNode;
  beforeEach(async () => {
    node = new RuntimeNode();
    await node.start();
  });
  afterEach(() => node.close());

  it('finds its containers running, and learns of exits that it missed', async () => {
    const sandbox = await node.runSandbox();
    const stays = await node.startContainer(sandbox, ['sleep', '1000']);
    const flag = path.join(node.folder, 'flag');
    writeFileSync(flag, '');
    const ends = await node.startContainer(
      sandbox,
      ['sh', '-c', 'while [ -e /flag/flag ]; do sleep 0.02; done; exit 9'],
      {
        metadata: { name: 'ends', attempt: 0 },
        mounts: [{ container_path: '/flag', host_path: node.folder, readonly: true }],
      },
    );
    const before = await node.status(stays);
    const ip = (await node.client.podSandboxStatus({ pod_sandbox_id: sandbox })).status?.network
      ?.ip;
    const spawner = await node.spawnerPid();

    await node.stop('SIGKILL');
    rmSync(flag);
    await node.start();

    assert.equal(await node.spawnerPid(), spawner);
    const now = await node.status(stays);
    assert.deepEqual([now.state, now.started_at], ['CONTAINER_RUNNING', before.started_at]);
    const ended = await node.waitForExit(ends);
    assert.deepEqual([ended.exit_code, ended.reason], [9, 'Error']);
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    assert.deepEqual([status?.state, status?.network?.ip], ['SANDBOX_READY', ip]);
    const shown = await node.client.execSync({ container_id: stays, cmd: ['echo', 'still here'] });
    assert.equal(shown.stdout.toString(), 'still here\n');
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('goes on when it is the spawner that is killed', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const before = await node.spawnerPid();
    process.kill(before, 'SIGKILL');
    await until('there is another spawner', async () => {
      const pid = await node.spawnerPid().catch(() => before);
      return pid !== before;
    });
    await until('it is in use', async () => {
      const answer = node.client.execSync({ container_id: id, cmd: ['echo', 'x'] });
      return (await answer.catch(() => undefined))?.stdout.toString() === 'x\n';
    });
    assert.equal((await node.status(id)).state, 'CONTAINER_RUNNING');
    await node.client.stopContainer({ container_id: id, timeout: 0 });
    assert.equal((await node.status(id)).state, 'CONTAINER_EXITED');
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('never starts a container twice, whenever it is killed', async () => {
    for (let round = 0; round < 6; round += 1) {
      const sandbox = await node.runSandbox();
      const id = await node.createContainer(sandbox, ['sh', '-c', 'echo started; exec sleep 1000']);
      const started = node.client.startContainer({ container_id: id }).catch(() => undefined);
      // Killed before, while, or after the spawner is asked: whatever comes first.
      for (let turn = 0; turn < round; turn += 1) await new Promise((next) => setImmediate(next));
      await node.stop('SIGKILL');
      await started;
      await node.start();
      const { state, log_path: log } = await node.status(id);
      if (state === 'CONTAINER_CREATED') await node.client.startContainer({ container_id: id });
      else await assert.rejects(node.client.startContainer({ container_id: id }));
      assert.equal((await node.status(id)).state, 'CONTAINER_RUNNING');
      await until('it has logged', async () => existsSync(log) && readFileSync(log, 'utf8') !== '');
      assert.equal(readFileSync(log, 'utf8').match(/started/g)?.length, 1);
      await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    }
  });

  it('takes half-made sandboxes apart', async () => {
    for (let round = 0; round < 6; round += 1) {
      const config = node.sandboxConfig();
      const made = node.client.runPodSandbox({ config }).catch(() => undefined);
      await until(
        'it has begun',
        async () => readdirSync(path.join(node.runDir, 'cri/sandboxes')).length > 0,
      );
      for (let turn = 0; turn < round * 3; turn += 1)
        await new Promise((next) => setImmediate(next));
      await node.stop('SIGKILL');
      await made;
      await node.start();
      const { items } = await node.client.listPodSandbox({});
      for (const item of items) await node.client.removePodSandbox({ pod_sandbox_id: item.id });
      // The name is free again.
      const { pod_sandbox_id } = await node.client.runPodSandbox({ config });
      await node.client.removePodSandbox({ pod_sandbox_id });
      assert.deepEqual(readdirSync(path.join(node.runDir, 'network/addresses')), []);
      assert.deepEqual(readdirSync(path.join(node.dataDir, 'sandboxes')), []);
    }
  });
});
