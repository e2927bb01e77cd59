/** Seccomp in real containers: which calls are let through, and what the others are answered. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Input, LinuxContainerSecurityContext } from '../../../../proto/cri/types.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, runShell } from '../../../support/security-pods.ts';
import { notHere } from '../../../support/spawner-harness.ts';

const DEFAULT = { seccomp: { profile_type: 'RuntimeDefault', localhost_ref: '' } } as const;
const MODE = 'grep Seccomp: /proc/self/status';

/** Prints the error number of a call, or `ok`. `perl` is on every Debian. */
function call(name: string, number: number, ...args: readonly (number | string)[]): string {
  const list = [number, ...args].join(', ');
  return `perl -e 'my $r = syscall(${list}); print "${name} ", ($r == -1 ? $! + 0 : "ok"), "\\n"'`;
}

const NUMBERS =
  process.arch === 'arm64'
    ? { keyctl: 219, unshare: 97, socket: 198, clone3: 435, getpid: 172, uname: 160 }
    : { keyctl: 250, unshare: 272, socket: 41, clone3: 435, getpid: 39, uname: 63 };

describe('seccomp', { skip: notHere }, () => {
  let node: RuntimeNode;
  let sandbox: string;

  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox({
      linux: { security_context: { privileged: true, namespace_options: { pid: 'CONTAINER' } } },
    });
  });
  after(() => node.close());

  const profile = (name: string, content: object | string) => {
    const file = path.join(node.folder, `${name}.json`);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return { seccomp: { profile_type: 'Localhost', localhost_ref: file } } as const;
  };

  it('is off when nothing is asked, and for the privileged; on when the field is there', async () => {
    const mode = (security: Input<LinuxContainerSecurityContext>) =>
      printed(node, sandbox, MODE, security);
    assert.equal(await mode({}), 'Seccomp:\t0');
    assert.equal(await mode({ seccomp: {} }), 'Seccomp:\t2');
    assert.equal(await mode(DEFAULT), 'Seccomp:\t2');
    assert.equal(await mode({ ...DEFAULT, privileged: true }), 'Seccomp:\t0');
    assert.equal(await mode({ seccomp: { profile_type: 'Unconfined' } }), 'Seccomp:\t0');
    assert.equal(await mode({ seccomp_profile_path: 'runtime/default' }), 'Seccomp:\t2');
  });

  it('refuses with EPERM what the default leaves out, and ENOSYS to clone3', async () => {
    const { keyctl, unshare, socket, clone3 } = NUMBERS;
    const calls = [
      call('keyctl', keyctl, 0, -3, 0),
      call('unshare', unshare, 0x2000_0000),
      call('clone3', clone3, 0, 0),
      call('alg', socket, 38, 5, 0),
      call('vsock', socket, 40, 1, 0),
      call('alg-high', socket, '(1 << 32) | 38', 5, 0),
      call('unix', socket, 1, 1, 0),
    ].join('; ');
    const confined = 'keyctl 1\nunshare 1\nclone3 38\nalg 1\nvsock 1\nalg-high 1\nunix ok';
    assert.equal(await printed(node, sandbox, calls, DEFAULT), confined);
    const withoutNew = { ...DEFAULT, no_new_privs: true, run_as_user: { value: 1000 } };
    assert.equal(await printed(node, sandbox, calls, withoutNew), confined);
    const open = await printed(node, sandbox, calls, {});
    assert.match(open, /^keyctl ok\n/);
    assert.match(open, /\nclone3 22\n/);
  });

  it('goes by the capabilities of the container', async () => {
    const unshareUts = call('unshare', NUMBERS.unshare, 0x0400_0000);
    const admin = { ...DEFAULT, capabilities: { add_capabilities: ['SYS_ADMIN'] } };
    assert.equal(await printed(node, sandbox, unshareUts, DEFAULT), 'unshare 1');
    assert.equal(await printed(node, sandbox, unshareUts, admin), 'unshare ok');
  });

  it('holds for processes that are executed later', async () => {
    const id = await node.startContainer(sandbox, ['/bin/sleep', '1000'], {
      linux: { security_context: { namespace_options: { pid: 'CONTAINER' }, ...DEFAULT } },
    });
    const cmd = ['/bin/sh', '-c', `${MODE}; ${call('keyctl', NUMBERS.keyctl, 0, -3, 0)}`];
    const { stdout } = await node.client.execSync({ container_id: id, cmd, timeout: 10 });
    assert.equal(stdout.toString(), 'Seccomp:\t2\nkeyctl 1\n');
    await node.client.removeContainer({ container_id: id });
  });

  it('takes a profile from a file: errno, kill and conditions', async () => {
    const errno = profile('errno', {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['uname'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    });
    const buffer = '"\\0" x 400';
    const uname = `perl -e 'my $b = ${buffer}; my $r = syscall(${NUMBERS.uname}, $b); print $! + 0'`;
    assert.equal(await printed(node, sandbox, uname, errno), '95');
    const kill = profile('kill', {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_KILL_PROCESS',
          args: [{ index: 0, value: 16, op: 'SCMP_CMP_EQ' }],
        },
      ],
    });
    const sockets = `${call('unix', NUMBERS.socket, 1, 1, 0)}; exec ${call('netlink', NUMBERS.socket, 16, 3, 0)}`;
    const SIGSYS = 31;
    assert.deepEqual(await runShell(node, sandbox, sockets, kill), {
      exitCode: 128 + SIGSYS,
      output: 'unix ok',
    });
  });

  it('answers a bad profile when the container is created, and says what is wrong with it', async () => {
    const create = (security: Input<LinuxContainerSecurityContext>) =>
      node.createContainer(sandbox, ['/bin/true'], { linux: { security_context: security } });
    const notify = profile('notify', { defaultAction: 'SCMP_ACT_NOTIFY' });
    await assert.rejects(create(notify), {
      code: 'INVALID_ARGUMENT',
      message: /seccomp profile ".*notify\.json": defaultAction: SCMP_ACT_NOTIFY is not supported/,
    });
    await assert.rejects(create(profile('text', 'x')), { message: /it is not JSON/ });
    await assert.rejects(
      create({ seccomp: { profile_type: 'Localhost', localhost_ref: '/nowhere.json' } }),
      { code: 'INVALID_ARGUMENT', message: /"\/nowhere\.json" could not be read: ENOENT/ },
    );
    await assert.rejects(create({ seccomp: { profile_type: 'Localhost', localhost_ref: 'x' } }), {
      message: /"x" is not an absolute path/,
    });
    const { containers } = await node.client.listContainers({});
    assert.deepEqual(containers, []);
  });
});
