/** Containers of the real spawner, over the host's root: what they see, what they may, how they end. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ALL_CAPABILITIES } from '../../../../agent/runtime/container/capabilities.ts';
import { SpawnerError } from '../../../../agent/runtime/spawner/client.ts';
import { notHere, SpawnerHarness, waitUntil } from '../../../support/spawner-harness.ts';

const SIGTERM = 15;
const SIGKILL = 9;

describe('a container', { skip: notHere }, () => {
  let harness: SpawnerHarness;

  before(async () => {
    harness = await SpawnerHarness.start();
    await harness.createSandbox();
  });
  after(() => harness.stop());

  describe('sees', () => {
    it('itself as process 1 and nothing else but what it started', async () => {
      const output = await harness.outputOf('ps -e -o pid,comm --no-headers');
      assert.match(output, /^\s*1 sh\n\s*\d+ ps$/);
    });

    it('the host name of its pod, and a network of its own with loopback up', async () => {
      assert.equal(await harness.outputOf('hostname; ls /sys/class/net'), 'pod\nlo');
      assert.match(await harness.outputOf('ip -o addr show lo'), /127\.0\.0\.1\/8/);
    });

    it('no mount and no device of the host', async () => {
      const mounts = await harness.outputOf('cat /proc/self/mountinfo');
      assert.match(mounts, / \/ \/ rw,.* - overlay /);
      assert.doesNotMatch(mounts, /ext4|xfs|btrfs/);
      const devices = await harness.outputOf('find /dev -type b -o -type c | sort');
      const own = ['full', 'null', 'pts/ptmx', 'random', 'tty', 'urandom', 'zero'];
      assert.deepEqual(
        devices.split('\n'),
        own.map((name) => `/dev/${name}`),
      );
    });

    it('its cgroup as the root, read-only', async () => {
      const output = await harness.outputOf(
        'cat /proc/self/cgroup; mkdir /sys/fs/cgroup/*/x; true',
      );
      for (const line of output.split('\n')) assert.match(line, /^\d+:[^:]*:\/$/);
    });

    it('nothing at masked paths, and cannot write to read-only ones', async () => {
      const output = await harness.outputOf(
        'wc -c </proc/keys; ls /sys/firmware; echo 1 >/proc/sys/kernel/panic || echo refused',
      );
      assert.equal(output, '0\nrefused');
    });

    it('no fd but its three streams, and no ignored signal', async () => {
      const output = await harness.outputOf('ls /proc/1/fd; grep SigIgn /proc/1/status');
      assert.deepEqual(output.split('\n'), ['0', '1', '2', 'SigIgn:\t0000000000000000']);
    });
  });

  describe('may', () => {
    it('only what its capabilities say, and inherits none', async () => {
      const process = { capabilities: ['CAP_CHOWN', 'CAP_KILL'] };
      const output = await harness.outputOf('grep Cap /proc/self/status', { process });
      assert.deepEqual(
        output.split('\n').map((line) => Number.parseInt(line.split('\t')[1] ?? '', 16)),
        [0, 0x21, 0x21, 0x21, 0],
      );
    });

    it('nothing more when it is not root, but for ambient capabilities', async () => {
      const user = { uid: 1000, gid: 1001, supplementalGroups: [7, 1001] };
      const command = 'id -u; id -G; grep -E "Cap(Eff|Amb)" /proc/self/status; echo x >/dev/stderr';
      const plain = await harness.outputOf(command, {
        process: { user, capabilities: ['CAP_KILL'] },
      });
      const words = plain.split(/\s+/);
      assert.deepEqual(words.slice(0, 3), ['1000', '1001', '7']);
      assert.match(plain, /CapEff:\t0{16}/);
      const ambient = await harness.outputOf(command, {
        process: { user, capabilities: ['CAP_KILL'], ambientCapabilities: ['CAP_KILL'] },
      });
      assert.match(ambient, /CapEff:\t0{14}20\nCapAmb:\t0{14}20/);
    });

    it('not gain privileges when it must not', async () => {
      const grep = 'grep NoNewPrivs /proc/self/status';
      assert.equal(await harness.outputOf(grep), 'NoNewPrivs:\t0');
      const process = { noNewPrivileges: true };
      assert.equal(await harness.outputOf(grep, { process }), 'NoNewPrivs:\t1');
    });

    it('make a device node, but not open it', async () => {
      const output = await harness.outputOf(
        'mknod /tmp/disk b 254 0 && dd if=/tmp/disk of=/dev/null bs=1 count=1 2>&1 | head -1',
      );
      assert.match(output, /Operation not permitted/);
    });

    it('not write to its root when that is read-only', async () => {
      const output = await harness.outputOf('touch /x || true; touch /dev/shm/y && echo shm', {
        isRootfsReadonly: true,
      });
      assert.equal(output, 'shm');
    });

    it('do what the kernel refuses others when it is privileged', async () => {
      const output = await harness.outputOf('mount -t tmpfs none /mnt && touch /mnt/x && ls /mnt', {
        isPrivileged: true,
        maskedPaths: [],
        readonlyPaths: [],
        process: { capabilities: ALL_CAPABILITIES },
      });
      assert.equal(output, 'x');
    });
  });

  describe('is given', () => {
    it('binds, read-only and not, of folders and files, at paths that are made', async () => {
      const folder = path.join(harness.folder, 'volume');
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'in'), 'content\n');
      symlinkSync(folder, path.join(harness.folder, 'link'));
      const bind = (source: string, target: string, isReadonly: boolean) =>
        ({ kind: 'bind', source, target, isReadonly, propagation: 'private' }) as const;
      const output = await harness.outputOf(
        'cat /a/b/in /etc/motd.d/file; echo out >/a/b/out; touch /ro/x || echo refused',
        {
          mounts: [
            bind(path.join(harness.folder, 'link'), '/a/b', false),
            bind(folder, '/ro', true),
            bind(path.join(folder, 'in'), '/etc/motd.d/file', true),
          ],
        },
      );
      assert.equal(output, 'content\ncontent\nrefused');
      assert.equal(readFileSync(path.join(folder, 'out'), 'utf8'), 'out\n');
    });

    it('mounts inside its root, wherever a link of the image points', async () => {
      const upper = path.join(harness.folder, 'layers', 'evil', 'upper');
      mkdirSync(upper, { recursive: true });
      symlinkSync('/../../../../..', path.join(upper, 'up'));
      const target = `${harness.folder}/outside`;
      const output = await harness.outputOf('mount | grep outside', {
        id: 'evil',
        mounts: [{ kind: 'tmpfs', target: `/up${target}`, mode: 0o755, isReadonly: false }],
      });
      assert.match(output, new RegExp(` on ${target} type tmpfs`));
    });

    it('its arguments, environment, folder, limits and umask', async () => {
      const id = await harness.run('', {
        process: {
          args: [
            'sh',
            '-c',
            'echo "$0 $1 $V"; pwd; ulimit -n; umask; cat /proc/self/oom_score_adj',
            'a b',
            'ü',
          ],
          env: ['PATH=/bin', 'V=w w'],
          cwd: '/made/for/it',
          rlimits: [{ type: 'RLIMIT_NOFILE', soft: 123, hard: 456 }],
          oomScoreAdj: 321,
        },
      });
      await harness.exitOf(id);
      const lines = harness.log(id).map((line) => line.split(' ').slice(3).join(' '));
      assert.deepEqual(lines, ['a b ü w w', '/made/for/it', '123', '0022', '321']);
    });

    it('the namespaces of its pod, shared with the others in it', async () => {
      const first = await harness.run('echo shared >/dev/shm/f; ipcmk -Q; sleep 100');
      const second = await harness.outputOf(
        'while ! ipcs -q | grep -q 0x; do sleep 0.01; done; cat /dev/shm/f',
      );
      assert.equal(second, 'shared');
      await harness.client.request('removeContainer', { containerId: first });
    });

    it("another container's processes when it targets it", async () => {
      const first = await harness.run('exec sleep 1234');
      const { namespaces } = harness.spec('');
      const output = await harness.outputOf('ps -e -o pid,args --no-headers | head -1', {
        namespaces: { ...namespaces, pid: { kind: 'target', containerId: first } },
      });
      assert.match(output, /1 sleep 1234/);
      await harness.client.request('removeContainer', { containerId: first });
    });
  });

  describe('ends', () => {
    it('with its exit code', async () => {
      const exit = await harness.exitOf(await harness.run('exit 42'));
      assert.deepEqual(
        { ...exit, finishedAtNs: '' },
        { exitCode: 42, signal: 0, isOomKilled: false, finishedAtNs: '' },
      );
    });

    it('with the signal it is sent', async () => {
      const containerId = await harness.run(
        'trap "exit 3" TERM; echo up; while :; do sleep 0.01; done',
      );
      const isUp = () => harness.log(containerId).some((line) => line.endsWith(' up'));
      await waitUntil(isUp, 'the trap is set');
      await harness.client.request('signalContainer', { containerId, signal: SIGTERM });
      assert.equal((await harness.exitOf(containerId)).exitCode, 3);
    });

    it('of SIGKILL, with all it has started', async () => {
      const containerId = await harness.run('setsid sleep 1235 & sleep 1235');
      await harness.client.request('signalContainer', { containerId, signal: SIGKILL });
      const { exitCode, signal, isOomKilled } = await harness.exitOf(containerId);
      assert.deepEqual(
        { exitCode, signal, isOomKilled },
        { exitCode: 137, signal: 9, isOomKilled: false },
      );
      await harness.client.request('removeContainer', { containerId });
      await assert.rejects(
        harness.client.request('signalContainer', { containerId, signal: SIGKILL }),
        { kind: 'not-found' },
      );
    });

    it('with its reason when it has used too much memory', async () => {
      const id = await harness.run('tail /dev/zero', {
        resources: { memoryLimitBytes: 16 * 1024 ** 2 },
      });
      const { exitCode, isOomKilled } = await harness.exitOf(id);
      assert.deepEqual({ exitCode, isOomKilled }, { exitCode: 137, isOomKilled: true });
    });

    it('in a failure of its own when it starts too many processes', async () => {
      const output = await harness.outputOf(
        'for i in 1 2 3 4 5 6 7 8; do sleep 1236 & done; true',
        {
          resources: { pidsLimit: 4 },
        },
      );
      assert.match(output, /exit code 2/);
    });

    it('and everything it started ends too when it shares the PID namespace of the node', async () => {
      const { namespaces } = harness.spec('');
      const id = await harness.run('setsid sleep 1237 & exit 5', {
        namespaces: { ...namespaces, pid: { kind: 'node' } },
      });
      assert.equal((await harness.exitOf(id)).exitCode, 5);
      await harness.client.request('removeContainer', { containerId: id });
    });
  });

  describe('that cannot be started', () => {
    const failures: readonly (readonly [string, object, RegExp])[] = [
      [
        'is not there',
        { process: { args: ['/nope'] } },
        /^exec: "\/nope": no such file or directory$/,
      ],
      [
        'is not in the PATH',
        { process: { args: ['nope'] } },
        /^exec: "nope": executable file not found in \$PATH$/,
      ],
      [
        'may not be executed',
        { process: { args: ['/etc/passwd'] } },
        /^exec: "\/etc\/passwd": permission denied$/,
      ],
      [
        'needs a mount that is not there',
        {
          mounts: [
            {
              kind: 'bind',
              source: '/no/such',
              target: '/x',
              isReadonly: true,
              propagation: 'private',
            },
          ],
        },
        /^open "\/no\/such": no such file or directory$/,
      ],
    ];
    for (const [what, changes, message] of failures) {
      it(`says why: it ${what}`, async () => {
        const spec = harness.spec('', changes);
        const ref = { containerId: spec.id };
        await harness.client.request('createContainer', spec);
        await assert.rejects(harness.client.request('startContainer', ref), (error) => {
          assert.ok(error instanceof SpawnerError);
          assert.equal(error.kind, 'start-failed');
          assert.match(error.message, message);
          return true;
        });
        assert.equal((await harness.exitOf(spec.id)).exitCode, 128);
        await assert.rejects(harness.client.request('startContainer', ref), /was started before/);
        await harness.client.request('removeContainer', ref);
      });
    }
  });
});
