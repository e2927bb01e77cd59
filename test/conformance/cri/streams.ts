/** Specs of what containers write and are asked to run: logs, their rotation, ExecSync. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { until } from '../../support/cri-pods.ts';
import {
  exec,
  type GetTarget,
  logOf,
  SLEEP,
  type Spec,
  shell,
  withContainer,
  withSandbox,
} from './target.ts';

/** Time, stream, whole or part, text. Source: kubernetes KEP 2016, the CRI log format. */
const LOG_LINE =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP]) (.*)$/;

export function streamSpecs(spec: Spec, get: GetTarget): void {
  spec('logs each line with its time and stream', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const script = 'echo one; echo two >&2; printf three';
      const id = await target.pods.startContainer(sandbox, shell(script));
      await target.pods.waitForExit(id);
      const lines = (await logOf(target, id)).trimEnd().split('\n');
      const parsed = lines.map((line) => LOG_LINE.exec(line)?.slice(2));
      const of = (stream: string) => parsed.filter((line) => line?.[0] === stream);
      assert.deepEqual(of('stderr'), [['stderr', 'F', 'two']]);
      assert.deepEqual(of('stdout')[0], ['stdout', 'F', 'one']);
      assert.equal(of('stdout')[1]?.[2], 'three');
    });
  });

  spec('cuts long lines into parts, of which the last says so', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const script = 'head -c 40000 /dev/zero | tr "\\0" x; echo';
      const id = await target.pods.startContainer(sandbox, shell(script));
      await target.pods.waitForExit(id);
      const lines = (await logOf(target, id)).trimEnd().split('\n');
      const parsed = lines.map((line) => LOG_LINE.exec(line));
      const tags = parsed.map((line) => line?.[3]).join('');
      assert.match(tags, /^P+F$/);
      assert.equal(parsed.map((line) => line?.[4]).join('').length, 40_000);
    });
  });

  spec('goes on in a new file once a log was renamed, and only while it runs', async () => {
    const target = get();
    const { client, pods } = target;
    await withSandbox(target, async (sandbox) => {
      const id = await pods.startContainer(sandbox, shell('while :; do echo x; sleep 0.02; done'));
      const { log_path: log } = await pods.status(id);
      const isWritten = async () => existsSync(log) && statSync(log).size > 0;
      await until('it logs', isWritten);
      renameSync(log, `${log}.1`);
      await client.reopenContainerLog({ container_id: id });
      await until('it logs again', isWritten);
      const before = statSync(`${log}.1`).size;
      const size = statSync(log).size;
      await until('it grows', async () => statSync(log).size > size);
      assert.equal(statSync(`${log}.1`).size, before);
      await client.stopContainer({ container_id: id, timeout: 0 });
      renameSync(log, `${log}.2`);
      await assert.rejects(client.reopenContainerLog({ container_id: id }));
      assert.equal(existsSync(log), false);
    });
  });

  spec('leaves the log of a container that is removed', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const id = await target.pods.startContainer(sandbox, shell('echo kept'));
      const { log_path: log } = await target.pods.waitForExit(id);
      await target.client.removeContainer({ container_id: id });
      assert.match(readFileSync(log, 'utf8'), /kept/);
    });
  });

  spec('runs commands and reports their output and end', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      const result = await exec(target, id, ...shell('echo out; echo err >&2; exit 7'));
      assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n', code: 7 });
      const quiet = await exec(target, id, 'true');
      assert.deepEqual(quiet, { stdout: '', stderr: '', code: 0 });
    });
  });

  spec('ends a command that takes too long', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      const cmd = ['/bin/sleep', '54321'];
      const late = target.client.execSync({ container_id: id, cmd, timeout: 1 });
      await assert.rejects(late, { code: 'DEADLINE_EXCEEDED' });
      const { stdout } = await exec(target, id, 'ps');
      assert.doesNotMatch(stdout, /54321/);
    });
  });

  spec('keeps no more of the output than fits, and still lets the command end', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      const { code, stdout } = await exec(target, id, 'head', '-c', '20000000', '/dev/zero');
      assert.equal(code, 0);
      assert.ok(stdout.length > 2 ** 20 && stdout.length <= 16 * 2 ** 20);
    });
  });

  spec('does not wait for what a command has left behind', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      const { stdout, code } = await exec(target, id, ...shell('sleep 1000 & echo done'));
      assert.deepEqual([stdout, code], ['done\n', 0]);
    });
  });

  spec('runs nothing in a container that does not run', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const id = await target.pods.createContainer(sandbox, SLEEP);
      await assert.rejects(exec(target, id, 'true'));
    });
  });
}
