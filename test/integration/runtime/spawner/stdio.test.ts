/** Streams of containers: logs, attach, exec, terminals. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { ExecRequest } from '../../../../agent/runtime/spawner/protocol.ts';
import type { StdioSession } from '../../../../agent/runtime/spawner/stdio-session.ts';
import { notHere, SpawnerHarness, waitUntil } from '../../../support/spawner-harness.ts';

describe('streams', { skip: notHere }, () => {
  let harness: SpawnerHarness;

  before(async () => {
    harness = await SpawnerHarness.start();
    await harness.createSandbox();
  });
  after(() => harness.stop());

  /** Reads until the text is there. */
  async function readUntil(stream: Readable, expected: string): Promise<string> {
    let seen = '';
    while (!seen.includes(expected)) {
      const chunk: Buffer | null = stream.read();
      if (chunk === null) await new Promise((resolve) => stream.once('readable', resolve));
      else seen += chunk.toString();
    }
    return seen;
  }

  describe('a log', () => {
    it('has a record a line, tagged, with its stream and a time', async () => {
      const id = await harness.run('echo out; echo err >&2; printf part');
      await harness.exitOf(id);
      const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
      const records = harness.log(id).map((line) => line.split(' '));
      for (const [at] of records) assert.match(at ?? '', time);
      assert.deepEqual(records.map((record) => record.slice(1).join(' ')).sort(), [
        'stderr F err',
        'stdout F out',
        'stdout P part',
      ]);
    });

    it('cuts a long line at 16 KiB', async () => {
      const id = await harness.run('head -c 40000 /dev/zero | tr "\\0" x; echo');
      await harness.exitOf(id);
      const records = harness.log(id).map((line) => line.split(' '));
      assert.deepEqual(
        records.map(([, , tag, content]) => [tag, content?.length]),
        [
          ['P', 16_384],
          ['P', 16_384],
          ['F', 40_000 - 2 * 16_384],
        ],
      );
    });

    it('loses nothing of much output', async () => {
      const id = await harness.run('seq 1 200000');
      await harness.exitOf(id);
      const numbers = harness.log(id).map((line) => Number(line.split(' ')[3]));
      assert.equal(numbers.length, 200_000);
      assert.ok(numbers.every((number, index) => number === index + 1));
    });

    it('goes on in a new file after it is reopened, and only there', async () => {
      const containerId = await harness.run('echo one; read x; echo two', {
        stdio: { isStdinOpen: true },
      });
      const file = path.join(harness.folder, `${containerId}.log`);
      await waitUntil(() => readFileSync(file, 'utf8').includes('one'), 'the first line is logged');
      renameSync(file, `${file}.1`);
      await harness.client.request('reopenLog', { containerId });
      const session = await harness.client.attach({ containerId, isStdinWanted: true });
      session.stdin.write('go\n');
      await harness.exitOf(containerId);
      assert.match(readFileSync(file, 'utf8'), /^\S+ stdout F two\n$/);
      assert.match(readFileSync(`${file}.1`, 'utf8'), /^\S+ stdout F one\n$/);
    });

    it('is not made anew for a container that has ended', async () => {
      const containerId = await harness.run('true');
      await harness.exitOf(containerId);
      const file = path.join(harness.folder, `${containerId}.log`);
      renameSync(file, `${file}.1`);
      await assert.rejects(harness.client.request('reopenLog', { containerId }), /does not run/);
      assert.equal(existsSync(file), false);
    });

    it('that cannot be opened fails the start by name', async () => {
      const spec = harness.spec('true', { stdio: { logPath: '/no/such/folder/log' } });
      await harness.client.request('createContainer', spec);
      await assert.rejects(
        harness.client.request('startContainer', { containerId: spec.id }),
        /\/no\/such\/folder\/log/,
      );
    });
  });

  describe('an attachment', () => {
    it('gets what is written from then on, as do all others', async () => {
      const containerId = await harness.run('read x; echo $x; echo e >&2', {
        stdio: { isStdinOpen: true },
      });
      const sessions = await Promise.all(
        [1, 2].map((n) => harness.client.attach({ containerId, isStdinWanted: n === 1 })),
      );
      sessions[0]?.stdin.write('hello\n');
      for (const session of sessions) {
        const [out, err, exit] = await Promise.all([
          text(session.stdout),
          text(session.stderr),
          session.exit,
        ]);
        assert.deepEqual([out, err, exit?.exitCode], ['hello\n', 'e\n', 0]);
      }
    });

    it('that ends closes the standard input once, when that is wanted', async () => {
      const containerId = await harness.run('cat; echo eof', {
        stdio: { isStdinOpen: true, isStdinOnce: true },
      });
      const session = await harness.client.attach({ containerId, isStdinWanted: true });
      session.stderr.resume();
      session.stdin.write('x');
      await readUntil(session.stdout, 'x');
      session.close();
      assert.equal((await harness.exitOf(containerId)).exitCode, 0);
      assert.match(harness.log(containerId).join(), /F xeof/);
    });

    it('that ends leaves the container alone otherwise', async () => {
      const containerId = await harness.run('cat', { stdio: { isStdinOpen: true } });
      for (const word of ['one', 'two']) {
        const session = await harness.client.attach({ containerId, isStdinWanted: true });
        session.stderr.resume();
        session.stdin.write(`${word}\n`);
        await readUntil(session.stdout, word);
        session.close();
        assert.equal(await session.exit, undefined);
      }
      await harness.client.request('removeContainer', { containerId });
    });

    it('to a container that does not run is refused', async () => {
      const spec = harness.spec('true');
      await harness.client.request('createContainer', spec);
      const request = { containerId: spec.id, isStdinWanted: false };
      await assert.rejects(harness.client.attach(request), /does not run/);
    });

    it('that does not read stops the container, and no memory fills', async () => {
      // It waits for a word: else all may be written before anybody is attached.
      const script = 'read go; yes | head -c 20000000; echo; echo end';
      const containerId = await harness.run(script, { stdio: { isStdinOpen: true } });
      const session = await harness.client.attach({ containerId, isStdinWanted: true });
      session.stderr.resume();
      session.stdin.write('go\n');
      const size = () => readFileSync(path.join(harness.folder, `${containerId}.log`)).length;
      const sizes: number[] = [];
      const isStill = () => {
        sizes.push(size());
        return (sizes.at(-1) ?? 0) > 0 && sizes.slice(-20).every((one) => one === sizes.at(-1));
      };
      await waitUntil(isStill, 'the log stands still');
      assert.ok(size() < 20_000_000, 'It was not held up');
      session.stdout.resume();
      assert.equal((await session.exit)?.exitCode, 0);
    });
  });

  describe('a terminal', () => {
    it('is one for the container, with a size, and logs as stdout', async () => {
      const containerId = await harness.run('read x; tty; stty size; echo $x; ls -l /dev/console', {
        stdio: { isTty: true, isStdinOpen: true },
      });
      const session = await harness.client.attach({ containerId, isStdinWanted: true });
      session.stderr.resume();
      session.resize({ width: 120, height: 40 });
      session.stdin.write('typed\r');
      const output = await text(session.stdout);
      assert.match(output, /^typed\r\n\/dev\/pts\/0\r\n40 120\r\ntyped\r\ncrw--w---- .* 136, 0 /);
      assert.equal(harness.log(containerId).length, 5);
      for (const line of harness.log(containerId)) assert.match(line, / stdout F [^\r]*$/);
    });

    it('ends its job at ^C', async () => {
      const containerId = await harness.run(
        'trap "echo caught; exit 7" INT; echo up; while :; do sleep 0.01; done',
        {
          stdio: { isTty: true, isStdinOpen: true },
        },
      );
      const log = path.join(harness.folder, `${containerId}.log`);
      await waitUntil(() => readFileSync(log, 'utf8').includes('up'), 'the trap is set');
      const session = await harness.client.attach({ containerId, isStdinWanted: true });
      session.stdout.resume();
      session.stderr.resume();
      session.stdin.write('\x03');
      assert.equal((await session.exit)?.exitCode, 7);
    });
  });

  describe('exec', () => {
    let containerId: string;

    before(async () => {
      containerId = await harness.run('exec sleep 1000');
    });
    after(() => harness.client.request('removeContainer', { containerId }));

    const exec = (command: string, changes: Partial<ExecRequest> = {}): Promise<StdioSession> =>
      harness.client.exec({
        containerId,
        process: harness.spec(command).process,
        isTty: false,
        isStdinOpen: false,
        ...changes,
      });

    it('runs in the container, with its own streams and exit code', async () => {
      const session = await exec(
        'ps -e -o comm --no-headers; cat /proc/self/cgroup; echo e >&2; exit 9',
      );
      const [out, err, exit] = await Promise.all([
        text(session.stdout),
        text(session.stderr),
        session.exit,
      ]);
      assert.match(out, /^sleep\nsh\nps\n/);
      assert.doesNotMatch(out, /:\/.+/);
      assert.deepEqual([err, exit?.exitCode], ['e\n', 9]);
    });

    it('reads its standard input to the end', async () => {
      const session = await exec('wc -c', { isStdinOpen: true });
      session.stderr.resume();
      session.stdin.end(Buffer.alloc(3_000_000));
      assert.equal(await text(session.stdout), '3000000\n');
    });

    it('hands on much output whole', async () => {
      const session = await exec('seq 1 300000');
      session.stderr.resume();
      assert.equal((await text(session.stdout)).split('\n').length, 300_001);
    });

    it('has a terminal of the container', async () => {
      const session = await exec('tty; stty size; read x; echo $x', {
        isTty: true,
        isStdinOpen: true,
      });
      session.stderr.resume();
      session.stdin.write('line\n');
      assert.match(await text(session.stdout), /\/dev\/pts\/\d+\r\n/);
    });

    it('has no more rights than it is given, and inherits none', async () => {
      const process = harness.spec('grep -E "Cap(Inh|Eff)|NoNew" /proc/self/status').process;
      const session = await exec('', {
        process: { ...process, capabilities: ['CAP_KILL'], noNewPrivileges: true },
      });
      session.stderr.resume();
      const expected = 'CapInh:\t0000000000000000\nCapEff:\t0000000000000020\nNoNewPrivs:\t1\n';
      assert.equal(await text(session.stdout), expected);
    });

    it('is killed at its time limit', async () => {
      const session = await exec('exec sleep 1000', { timeoutMs: 50 });
      session.stdout.resume();
      session.stderr.resume();
      const exit = await session.exit;
      assert.deepEqual([exit?.exitCode, exit?.isTimedOut], [137, true]);
    });

    it('is killed when its client goes away', async () => {
      const session = await exec('exec sleep 4321');
      session.close();
      const isGone = async (): Promise<boolean> => {
        const look = await exec('ps -e -o args --no-headers');
        look.stderr.resume();
        return !(await text(look.stdout)).includes('sleep 4321');
      };
      while (!(await isGone()));
    });

    it('ends although what it started keeps its output open', async () => {
      const session = await exec('setsid sleep 500 & echo started');
      session.stderr.resume();
      assert.equal(await text(session.stdout), 'started\n');
      assert.equal((await session.exit)?.exitCode, 0);
    });

    it('of what is not there is refused with the reason', async () => {
      const process = { ...harness.spec('').process, args: ['/nope'] };
      await assert.rejects(exec('', { process }), /exec: "\/nope": no such file or directory/);
      await assert.rejects(exec('', { containerId: 'none' }), /There is no container none/);
      const bad = { ...process, cwd: '/proc/self/fd/9' };
      await assert.rejects(exec('', { process: bad }), /too many symbolic links|outside/);
    });
  });
});
