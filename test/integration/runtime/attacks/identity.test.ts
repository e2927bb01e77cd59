/**
 * Attacks by names and numbers: users, groups, sysctls, labels and archives that are taken for more than
 * they are. Named by the vulnerabilities of other runtimes that they are like.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Client, credentials, status } from '@grpc/grpc-js';
import { loadHostileImage, noImages } from '../../../support/hostile-image.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, runShell, sandboxWith } from '../../../support/security-pods.ts';

const PASSWD = [
  'root:x:0:0::/:/bin/sh',
  'app:x:1000:1000::/srv:/bin/sh',
  'wrap:x:4294967296:4294967296::/:/bin/sh',
  'minus:x:-1:-1::/:/bin/sh',
  '5000000000:x:0:0::/:/bin/sh',
].join('\n');

/** What an RPC with an empty request is answered. */
async function codeOf(socket: string, name: string): Promise<number> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  const path = `/runtime.v1.RuntimeService/${name}`;
  const same = (bytes: Buffer): Buffer => bytes;
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error) =>
        resolve(error?.code ?? status.OK),
      );
    });
  } finally {
    client.close();
  }
}

describe('attacks by names and numbers', { skip: noImages }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
  });
  after(() => node.close());

  const users = (name: string, User: string, more: Readonly<Record<string, unknown>> = {}) =>
    loadHostileImage(node, name, {
      members: [
        { name: 'etc/passwd', content: PASSWD },
        { name: 'etc/group', content: 'root:x:0:\nextra:x:44:app\nwide:x:4294967296:app\n' },
      ],
      config: { User, ...more },
    });

  it('a user id that wraps to 0, or is looked up as a name (CVE-2024-40635, CVE-2026-46680)', async () => {
    const bad = [
      ...['2147483648', '4294967295', '4294967296', '5000000000', '-1', '+0', '0x0', '1e0', ' 0'],
      ...[
        '1000:4294967296',
        '1000:-1',
        'app:5000000000',
        'wrap',
        'minus',
        'app:wide',
        'nobody:x:y',
      ],
    ];
    for (const [index, user] of bad.entries()) {
      const image = await users(`user-${index}`, user);
      await assert.rejects(
        runShell(node, sandbox, 'id', {}, { image: { image } }),
        { code: 'INVALID_ARGUMENT' },
        user,
      );
    }
    for (const id of ['2147483648', '4294967296', '-1']) {
      const as = { run_as_user: { value: id } };
      await assert.rejects(runShell(node, sandbox, 'id', as), { code: 'INVALID_ARGUMENT' }, id);
    }
  });

  it('groups of the runtime that stay (CVE-2023-25173, CVE-2022-2995)', async () => {
    const image = await users('groups', 'app');
    const changes = { image: { image } };
    const read = 'grep ^Groups: /proc/self/status';
    assert.equal(await printed(node, sandbox, read, {}, changes), 'Groups:\t44 1000');
    const strict = { supplemental_groups_policy: 'Strict' } as const;
    assert.equal(await printed(node, sandbox, read, strict, changes), 'Groups:\t1000');
    const given = {
      run_as_user: { value: 1234 },
      run_as_group: { value: 5 },
      supplemental_groups: [6],
    };
    assert.equal(await printed(node, sandbox, read, given, changes), 'Groups:\t5 6');
  });

  it('a home with a line break for /etc/passwd (CVE-2022-4318, CVE-2026-15809)', async () => {
    const image = await users('home', '1234', {
      Env: ['PATH=/bin', 'HOME=/x\nevil::0:0::/:/bin/sh'],
    });
    const { output } = await runShell(
      node,
      sandbox,
      'cat /etc/passwd; id -u',
      {},
      { image: { image } },
    );
    assert.equal(output, `${PASSWD}1234`);
  });

  it('a sysctl that carries another (CVE-2022-0811)', async () => {
    const panic = readFileSync('/proc/sys/kernel/panic', 'utf8');
    const base = sandboxWith({});
    const bad = [
      { 'kernel.shm_rmid_forced': '1\nkernel.panic=77' },
      { 'kernel.shm_rmid_forced+kernel.panic': '77' },
      { 'kernel.shm_rmid_forced=1 kernel.panic': '77' },
      { 'net.ipv4.ip_forward/../../../kernel/panic': '77' },
      { 'net.ipv4.....kernel.panic': '77' },
    ];
    for (const sysctls of bad) {
      const run = node.runSandbox({ linux: { ...base.linux, sysctls } });
      await assert.rejects(run, JSON.stringify(sysctls));
    }
    assert.equal(readFileSync('/proc/sys/kernel/panic', 'utf8'), panic);
    const { items } = await node.client.listPodSandbox({});
    assert.deepEqual(
      items.map(({ id }) => id),
      [sandbox],
    );
  });

  it('annotations and labels that a runtime takes for its own (CVE-2024-3154, CVE-2026-53488)', async () => {
    const Labels = {
      'io.containerd.runtime.v2.task/command': '/bin/evil',
      'io.cri-containerd.image': 'managed',
      'io.kubernetes.container.name': 'other',
    };
    const image = await users('labels', '0', { Labels });
    const pod = await node.runSandbox({
      annotations: { 'org.systemd.property.ExecStopPost': "['/bin/evil']" },
    });
    const id = await node.startContainer(pod, ['/bin/sleep', '1000'], {
      image: { image },
      labels: { mine: 'yes' },
    });
    const { labels, annotations } = await node.status(id);
    assert.deepEqual([labels, annotations], [{ mine: 'yes' }, {}]);
    await node.client.removePodSandbox({ pod_sandbox_id: pod });
  });

  it('a checkpoint archive, which is not restored (CVE-2026-53492, -50195, -53489, CVE-2024-8676)', async () => {
    const image = await loadHostileImage(node, 'checkpoint', {
      members: [
        { name: 'spec.dump', content: '{"mounts":[{"source":"/","destination":"/host"}]}' },
        { name: 'config.dump', content: '{"rootfsImageName":"other"}' },
      ],
      config: { Labels: { 'io.kubernetes.cri-o.annotations.checkpoint.name': 'x' } },
    });
    const script = 'ls -d /host || echo ordinary';
    const { output } = await runShell(node, sandbox, script, {}, { image: { image } });
    assert.match(output, /ordinary$/);
    for (const name of ['CheckpointContainer', 'CheckpointPod', 'RestorePod']) {
      assert.equal(await codeOf(node.socket, name), status.UNIMPLEMENTED, name);
    }
  });

  it('capabilities beyond those that were asked for', async () => {
    const read = 'grep -E "^Cap(Prm|Eff|Bnd)" /proc/self/status';
    const sets = (mask: string) =>
      ['Prm', 'Eff', 'Bnd'].map((set) => `Cap${set}:\t${mask}`).join('\n');
    const none = { capabilities: { drop_capabilities: ['ALL'] } };
    assert.equal(await printed(node, sandbox, read, none), sets('0000000000000000'));
    const one = { capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['chown'] } };
    assert.equal(await printed(node, sandbox, read, one), sets('0000000000000001'));
    const ambient = {
      run_as_user: { value: 1000 },
      no_new_privs: true,
      capabilities: { drop_capabilities: ['ALL'], add_ambient_capabilities: ['NET_BIND_SERVICE'] },
    };
    const all = 'grep -E "^Cap" /proc/self/status | grep -o "[0-9a-f]*$"';
    const bit = '0000000000000400';
    assert.equal(await printed(node, sandbox, all, ambient), Array(5).fill(bit).join('\n'));
    const unknown = { capabilities: { add_capabilities: ['SUPER'] } };
    await assert.rejects(runShell(node, sandbox, read, unknown), { code: 'INVALID_ARGUMENT' });
  });

  it('AppArmor profiles that nobody would enforce', async () => {
    for (const apparmor of [
      { apparmor: { profile_type: 'Localhost', localhost_ref: 'strict' } },
      { apparmor_profile: 'localhost/strict' },
    ] as const) {
      await assert.rejects(runShell(node, sandbox, 'true', apparmor), {
        code: 'UNIMPLEMENTED',
        message: /AppArmor profiles/,
      });
    }
  });
});
