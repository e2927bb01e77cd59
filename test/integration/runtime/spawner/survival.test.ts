/** What outlives whom: the spawner its clients, containers the spawner; and that nothing is left. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { SpawnerClient } from '../../../../agent/runtime/spawner/client.ts';
import { notHere, SpawnerHarness, waitUntil } from '../../../support/spawner-harness.ts';

/** Asserted without a time, so as many as a machine of two cores starts in some seconds. */
const CONTAINERS = 200;
const AT_ONCE = 8;

async function withHarness(test: (harness: SpawnerHarness) => Promise<void>): Promise<void> {
  const harness = await SpawnerHarness.start();
  try {
    await harness.createSandbox();
    await test(harness);
  } finally {
    await harness.stop();
  }
}

async function killSpawner(harness: SpawnerHarness): Promise<void> {
  const { pid } = await harness.client.request('version', {});
  process.kill(pid, 'SIGKILL');
  await harness.client.closed;
}

describe('the spawner', { skip: notHere }, () => {
  it('is one, however many start it', () =>
    withHarness(async (harness) => {
      const { pid } = await harness.client.request('version', {});
      const entry = path.join(import.meta.dirname, '../../../../agent/runtime/spawner/main.ts');
      const other = spawn(process.execPath, [entry, '--run-dir', harness.runDir]);
      assert.deepEqual(await new Promise((resolve) => other.on('exit', resolve)), 0);
      const client = await SpawnerClient.connect(harness.runDir);
      assert.equal((await client.request('version', {})).pid, pid);
      client.close();
    }));

  it('goes on without a client, and tells the next what happened', () =>
    withHarness(async (harness) => {
      const file = path.join(harness.folder, 'go');
      const id = await harness.run(`while [ ! -e /v/go ]; do sleep 0.01; done; exit 6`, {
        mounts: [
          {
            kind: 'bind',
            source: harness.folder,
            target: '/v',
            isReadonly: false,
            propagation: 'private',
          },
        ],
      });
      harness.client.close();
      await harness.client.closed;
      writeFileSync(file, '');
      const exitFile = path.join(harness.runDir, 'containers', id, 'exit.json');
      await waitUntil(() => existsSync(exitFile), 'the exit is recorded');
      await harness.reconnect();
      assert.equal((await harness.exitOf(id)).exitCode, 6);
    }));

  it('refuses to end on SIGTERM while a container runs', () =>
    withHarness(async (harness) => {
      const containerId = await harness.run('exec sleep 1000');
      const { pid } = await harness.client.request('version', {});
      process.kill(pid, 'SIGTERM');
      const log = path.join(harness.runDir, 'spawner.log');
      await waitUntil(() => readFileSync(log, 'utf8').includes('Refused to end'), 'it has refused');
      await harness.client.request('removeContainer', { containerId });
    }));

  it('that is killed loses no container, no output and no log', () =>
    withHarness(async (harness) => {
      const id = await harness.run('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done');
      await waitUntil(() => harness.log(id).length > 3, 'it logs');
      const [before] = await harness.client.request('listContainers', {});
      await killSpawner(harness);
      await harness.reconnect();
      const [after] = await harness.client.request('listContainers', {});
      assert.equal(after?.state, 'running');
      assert.deepEqual(after?.started, before?.started);
      const lines = harness.log(id).length;
      await waitUntil(() => harness.log(id).length > lines + 3, 'it logs again');
      const numbers = harness.log(id).map((line) => Number(line.split(' ')[3]));
      // What was read and not yet written when it was killed is gone: at most a chunk.
      const missing = (numbers.at(-1) ?? 0) - numbers.length;
      assert.ok(missing <= 1, `${missing} lines are missing`);
      assert.equal(new Set(numbers).size, numbers.length, 'A line was logged twice');
      await harness.client.request('removeContainer', { containerId: id });
    }));

  it('that is killed reports what ended meanwhile, and never starts it again', () =>
    withHarness(async (harness) => {
      const id = await harness.run('exec sleep 1000');
      const created = harness.spec('true');
      await harness.client.request('createContainer', created);
      const [state] = await harness.client.request('listContainers', {});
      await killSpawner(harness);
      const pid = state?.started?.pid ?? assert.fail('It has no pid');
      process.kill(pid, 'SIGKILL');
      await waitUntil(() => !isAlive(pid), 'it has ended');
      await harness.reconnect();
      // Known as long as nobody has reaped it.
      const { exitCode, isUnknown } = await harness.exitOf(id);
      assert.deepEqual(exitCode, isUnknown === true ? 255 : 137);
      await assert.rejects(
        harness.client.request('startContainer', { containerId: id }),
        /was started before/,
      );
      await harness.client.request('startContainer', { containerId: created.id });
      assert.equal((await harness.exitOf(created.id)).exitCode, 0);
    }));

  it('that is killed sees the end of a container that ends later', () =>
    withHarness(async (harness) => {
      const id = await harness.run('trap "exit 5" TERM; echo up; while :; do sleep 0.01; done');
      await waitUntil(() => harness.log(id).length > 0, 'the trap is set');
      await killSpawner(harness);
      await harness.reconnect();
      await harness.client.request('signalContainer', { containerId: id, signal: 15 });
      const { exitCode, isUnknown } = await harness.exitOf(id);
      // Since Linux 6.15 the code can be learnt, if the new parent has reaped it in time.
      if (isUnknown === true) assert.equal(exitCode, 255);
      else assert.equal(exitCode, 5);
    }));

  it('takes away what one before it had not finished, and what an earlier run of the machine left', () =>
    withHarness(async (harness) => {
      await harness.createSandbox('half');
      await harness.createSandbox('old');
      const change = (id: string, what: object): void => {
        const file = path.join(harness.runDir, 'sandboxes', id, 'sandbox.json');
        writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...what }));
      };
      await killSpawner(harness);
      change('half', { isReady: false });
      change('old', { bootId: 'another' });
      await harness.reconnect();
      const ids = (await harness.client.request('listSandboxes', {})).map((one) => one.sandboxId);
      assert.deepEqual(ids, [harness.sandboxId]);
      const left = harness.leftovers().filter((text) => /\/(half|old)\b/.test(text));
      assert.deepEqual(left, []);
    }));

  it(`leaves nothing of ${CONTAINERS} containers`, () =>
    withHarness(async (harness) => {
      const { pid } = await harness.client.request('version', {});
      await startAndRemove(harness, AT_ONCE); // What is made once and kept is there now.
      const fds = () => readdirSync(`/proc/${pid}/fd`).length;
      const before = { fds: fds(), left: harness.leftovers().toSorted() };
      for (let done = 0; done < CONTAINERS; done += AT_ONCE) await startAndRemove(harness, AT_ONCE);
      assert.deepEqual({ fds: fds(), left: harness.leftovers().toSorted() }, before);
      assert.deepEqual(readdirSync(path.join(harness.runDir, 'containers')), []);
      assert.deepEqual(childrenOf(pid), []);
    }));
});

async function startAndRemove(harness: SpawnerHarness, count: number): Promise<void> {
  const all = Array.from({ length: count }, async (_, index) => {
    const id = await harness.run(`echo ${index}; exit ${index}`);
    const exit = await harness.exitOf(id);
    assert.equal(exit.exitCode, index);
    assert.equal(harness.log(id).length, 1);
    await harness.client.request('removeContainer', { containerId: id });
  });
  await Promise.all(all);
}

function childrenOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ');
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
