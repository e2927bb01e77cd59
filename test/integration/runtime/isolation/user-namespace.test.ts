/** Pods in a user namespace: whose ids are whose, and what the root of one cannot do. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasUserNamespaces } from '../../../../agent/runtime/sandbox/user-namespace.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, runShell, sandboxWith } from '../../../support/security-pods.ts';
import { notHere } from '../../../support/spawner-harness.ts';

const BASE = 7 * 65_536;
const MAPPING = [{ container_id: 0, host_id: BASE, length: 65_536 }];
const USERNS = { mode: 'POD', uids: MAPPING, gids: MAPPING } as const;

const skip = notHere || (hasUserNamespaces() ? false : 'the kernel has no mapped layers');

describe('a pod in a user namespace', { skip }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox(sandboxWith({ userns_options: USERNS }));
  });
  after(() => node.close());

  const folder = (name: string): string => {
    const made = path.join(node.folder, name);
    mkdirSync(made);
    chmodSync(made, 0o755);
    return made;
  };

  it('is advertised', async () => {
    const { runtime_handlers: handlers } = await node.client.status({});
    assert.equal(handlers[0]?.features?.user_namespaces, true);
  });

  it('has a root that is nobody outside', async () => {
    const id = await node.startContainer(sandbox, ['/bin/sh', '-c', 'exec sleep 1000']);
    const run = async (...cmd: string[]) => {
      const { stdout, stderr } = await node.client.execSync({ container_id: id, cmd });
      return `${stdout}${stderr}`.trim();
    };
    assert.equal(await run('id', '-u'), '0');
    assert.equal(
      await run('cat', '/proc/self/uid_map').then((map) => map.replace(/ +/g, ' ')),
      `0 ${BASE} 65536`,
    );
    const status = readFileSync(`/proc/${await node.pidOf(id)}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\t${BASE}\\t${BASE}\\t${BASE}\\t${BASE}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:\\t${BASE}\\t`, 'm'));
    assert.equal(
      await run('stat', '-c', '%u:%g', '/', '/usr/bin/env', '/etc/hosts', '/proc/1'),
      '0:0\n0:0\n0:0\n0:0',
    );
    await node.client.removeContainer({ container_id: id });
  });

  it('gives users their ids, the groups too', async () => {
    const id = await node.startContainer(sandbox, ['/bin/sleep', '1000'], {
      linux: {
        security_context: {
          namespace_options: { pid: 'CONTAINER' },
          run_as_user: { value: 1000 },
          run_as_group: { value: 2000 },
          supplemental_groups: [3000],
        },
      },
    });
    const status = readFileSync(`/proc/${await node.pidOf(id)}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\t${BASE + 1000}\\t`, 'm'));
    assert.match(status, new RegExp(`^Groups:\\t${BASE + 2000} ${BASE + 3000} ?$`, 'm'));
    await node.client.removeContainer({ container_id: id });
  });

  it('owns its devices, network and kernel file systems', async () => {
    const script = `
      echo x > /dev/null && head -c 4 /dev/zero | wc -c
      cat /proc/sys/kernel/hostname
      ls /sys/class/net | tr '\\n' ' '; echo
      stat -f -c %T /dev/mqueue /dev/shm /proc /sys | tr '\\n' ' '; echo
      touch /dev/shm/x /tmp/y && stat -c %u /dev/shm/x /tmp/y
      mknod /tmp/disk b 8 0 2>&1 | grep -o 'not permitted'`;
    const lines = (await printed(node, sandbox, script)).split('\n');
    assert.equal(lines[0], '4');
    assert.match(lines[1] ?? '', /^pod-/);
    assert.match(lines[2] ?? '', /eth0 .*lo|lo .*eth0/);
    assert.match(lines[3] ?? '', /tmpfs proc sysfs/);
    assert.deepEqual(lines.slice(4), ['0', '0', 'not permitted']);
  });

  it('maps the owners of a volume when it is asked to', async () => {
    const volume = folder('mapped');
    writeFileSync(path.join(volume, 'old'), 'x');
    const mount = {
      container_path: '/data',
      host_path: volume,
      uidMappings: MAPPING,
      gidMappings: MAPPING,
    };
    const script = 'cat /data/old; echo new > /data/new; stat -c %u:%g /data/old /data/new';
    assert.equal(await printed(node, sandbox, script, {}, { mounts: [mount] }), 'x0:0\n0:0');
    const { uid, gid } = statSync(path.join(volume, 'new'));
    assert.deepEqual([uid, gid], [0, 0]);
  });

  it("does not touch the node's files where a volume is not mapped", async () => {
    const volume = folder('plain');
    writeFileSync(path.join(volume, 'secret'), 'x', { mode: 0o600 });
    const mount = { container_path: '/data', host_path: volume };
    const script =
      'cat /data/secret; touch /data/new; chown 0 /data/secret; stat -c %u /data/secret';
    const { output } = await runShell(node, sandbox, script, {}, { mounts: [mount] });
    assert.equal(output.match(/Permission denied|not permitted/g)?.length, 3, output);
    assert.match(output, /65534$/);
  });

  it('has no power over the node, with every capability there is', async () => {
    const script = `
      hostname taken && hostname
      ip link add dummy0 type dummy && echo made
      echo 1 > /proc/sys/net/ipv4/ip_forward && echo forwards
      echo 1 > /proc/sys/vm/drop_caches
      date -s 2001-01-01
      mount -t tmpfs none /mnt && echo mounted`;
    const { output } = await runShell(node, sandbox, script, {
      capabilities: { add_capabilities: ['ALL'] },
    });
    assert.match(output, /taken/);
    assert.match(output, /mounted/);
    assert.match(output, /drop_caches: (Permission denied|Read-only)/);
    assert.match(output, /cannot set date: Operation not permitted/);
  });

  it('goes with a shared PID namespace, a terminal and seccomp', async () => {
    const shared = await node.runSandbox(sandboxWith({ pid: 'POD', userns_options: USERNS }));
    const output = await printed(
      node,
      shared,
      'cat /proc/1/comm; tty; grep Seccomp: /proc/self/status; id -u',
      { namespace_options: { pid: 'POD' }, seccomp: {} },
      { tty: true },
    );
    assert.equal(output.replaceAll('\r', ''), 'pause\n/dev/pts/0\nSeccomp:\t2\n0');
    await node.client.removePodSandbox({ pod_sandbox_id: shared });
  });

  it('refuses what does not fit', async () => {
    const refused = async (options: object, message: RegExp) =>
      assert.rejects(node.runSandbox(sandboxWith(options)), { code: 'INVALID_ARGUMENT', message });
    await refused({ userns_options: { ...USERNS, uids: [] } }, /needs one uid mapping, and 0 were/);
    await refused(
      { userns_options: { ...USERNS, gids: [...MAPPING, ...MAPPING] } },
      /one gid mapping/,
    );
    const from5 = [{ container_id: 5, host_id: BASE, length: 10 }];
    await refused({ userns_options: { ...USERNS, uids: from5 } }, /does not begin with 0/);
    const beyond = [{ container_id: 0, host_id: 2 ** 32 - 10, length: 65_536 }];
    await refused({ userns_options: { ...USERNS, uids: beyond } }, /not within 32 bits/);
    await refused({ userns_options: { mode: 'CONTAINER' } }, /mode CONTAINER is not supported/);
    await refused({ network: 'NODE', userns_options: USERNS }, /goes only with the pod's own/);
    const other = [{ container_id: 0, host_id: BASE + 65_536, length: 65_536 }];
    await assert.rejects(
      node.createContainer(sandbox, ['/bin/true'], {
        linux: {
          security_context: {
            namespace_options: { pid: 'CONTAINER', userns_options: { ...USERNS, uids: other } },
          },
        },
      }),
      { code: 'INVALID_ARGUMENT', message: /not that of its sandbox/ },
    );
  });
});
