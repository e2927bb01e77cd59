/**
 * Attacks by what an image or a volume has where the runtime mounts, makes or reads something: links, and
 * folders that are something else. Named by the vulnerabilities of other runtimes that they are like.
 */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Input, Mount } from '../../../../proto/cri/types.ts';
import { loadHostileImage, noImages } from '../../../support/hostile-image.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, runShell } from '../../../support/security-pods.ts';

const MASKED = {
  masked_paths: ['/proc/version', '/proc/keys', '/proc/acpi', '/sys/firmware'],
  readonly_paths: ['/proc/sys', '/proc/sysrq-trigger', '/proc/bus'],
};

const link = (name: string, linkname: string) => ({ name, type: 'symlink', linkname }) as const;

describe('attacks on mounts', { skip: noImages }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  /** A folder of the host that no container may reach by itself. */
  let outside: string;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
    outside = mkdtempSync(path.join(node.folder, 'outside-'));
    writeFileSync(path.join(outside, 'secret'), 'of the host');
  });
  after(() => node.close());

  const image = (name: string, ...members: Parameters<typeof loadHostileImage>[2]['members'][]) =>
    loadHostileImage(node, name, { members: members.flat().flatMap((each) => each ?? []) });
  const volume = (): string => mkdtempSync(path.join(node.folder, 'volume-'));
  const withImage = (reference: string, mounts: readonly Input<Mount>[] = []) => ({
    image: { image: reference },
    mounts,
  });
  /** Nothing was made or changed there. */
  const isUntouched = (): boolean =>
    readdirSync(outside).join() === 'secret' &&
    readFileSync(path.join(outside, 'secret'), 'utf8') === 'of the host';

  it('/proc, /sys or /dev of the image lead elsewhere (CVE-2019-16884, 2019-19921, 2023-27561, 2026-41579)', async () => {
    for (const name of ['proc', 'sys', 'dev']) {
      for (const to of ['tmp/elsewhere', '/tmp', outside]) {
        const reference = await image(`link-${name}`, [
          { name: 'tmp/elsewhere/', type: 'directory' },
          link(name, to),
        ]);
        const run = runShell(node, sandbox, 'ls /', MASKED, withImage(reference));
        await assert.rejects(run, new RegExp(`"/${name}" of the image is not a folder`), to);
      }
      const file = await image(`file-${name}`, [{ name, content: 'x' }]);
      await assert.rejects(
        runShell(node, sandbox, 'ls /', MASKED, withImage(file)),
        /not a folder/,
      );
    }
    assert.ok(isUntouched());
  });

  it('a volume takes the place of /proc, by name or through a link (CVE-2025-52881)', async () => {
    const reference = await image('proc-alias', [
      link('alias', '/proc'),
      link('deep', '/proc/sys'),
    ]);
    for (const target of [
      '/proc',
      '/alias',
      '/proc/sys',
      '/deep/kernel',
      '/proc/self/attr',
      '/tmp/../proc',
    ]) {
      const mounts = [{ container_path: target, host_path: volume() }];
      await assert.rejects(
        runShell(node, sandbox, 'ls', MASKED, withImage(reference, mounts)),
        /Nothing can be mounted at|no such file|permission denied|too many/,
        target,
      );
    }
    const cpuinfo = path.join(volume(), 'cpuinfo');
    writeFileSync(cpuinfo, 'one');
    const mounts = [{ container_path: '/proc/cpuinfo', host_path: cpuinfo }];
    const own = await printed(
      node,
      sandbox,
      'cat /proc/cpuinfo',
      MASKED,
      withImage(reference, mounts),
    );
    assert.equal(own, 'one');
  });

  it('masked and read-only paths stay so, also with a /dev/null of a volume (CVE-2025-31133)', async () => {
    const reference = await image('plain', []);
    const devices = volume();
    symlinkSync('/proc/sysrq-trigger', path.join(devices, 'null'));
    const kept = `
      cat /proc/version /proc/keys
      ls /sys/firmware
      echo 1 > /proc/sys/kernel/panic || echo refused
      stat -c %F:%t:%T /proc/version`;
    const expected = /^[^\n]*panic: Read-only file system\nrefused\ncharacter special file:1:3$/;
    const mounts = [{ container_path: '/dev', host_path: devices }];
    for (const given of [[], mounts]) {
      const { output } = await runShell(node, sandbox, kept, MASKED, withImage(reference, given));
      assert.match(output, expected);
    }
  });

  it('a mount target is a link out of the root (CVE-2021-30465, CVE-2024-45310)', async () => {
    const shared = volume();
    symlinkSync(outside, path.join(shared, 'out'));
    symlinkSync('../../../../../../..', path.join(shared, 'up'));
    const reference = await image('targets', [
      link('abs', outside),
      link('rel', '../../../../tmp'),
    ]);
    const source = volume();
    writeFileSync(path.join(source, 'mine'), 'x');
    for (const target of [
      '/abs/x',
      '/rel/x',
      '/vol/out/x',
      `/vol/up${outside}/y`,
      '/vol/up/tmp/z',
    ]) {
      const mounts = [
        { container_path: '/vol', host_path: shared },
        { container_path: target, host_path: source },
      ];
      const { output } = await runShell(
        node,
        sandbox,
        `ls ${target}`,
        {},
        withImage(reference, mounts),
      );
      assert.equal(output, 'mine', target);
      assert.ok(isUntouched(), target);
    }
  });

  it('a target is exchanged for a link while containers start (CVE-2021-30465)', async () => {
    const shared = volume();
    mkdirSync(path.join(shared, 'real'));
    const exchange = `
      use strict; chdir "/vol"; print "ready\\n"; $| = 1;
      while (1) {
        rename "real", "gone"; symlink "${outside}", "real"; unlink "real"; rename "gone", "real";
      }`;
    const racer = await node.startContainer(sandbox, ['/usr/bin/perl', '-e', exchange], {
      metadata: { name: 'racer', attempt: 0 },
      mounts: [{ container_path: '/vol', host_path: shared }],
      linux: { security_context: { namespace_options: { pid: 'CONTAINER' } } },
    });
    const mounts = [
      { container_path: '/vol', host_path: shared },
      { container_path: '/vol/real/made', host_path: volume() },
    ];
    for (let time = 0; time < 15; time += 1) {
      // It starts or it does not: what matters is what happens outside.
      await runShell(node, sandbox, 'ls /vol/real', {}, { mounts }).catch(() => undefined);
    }
    await node.client.removeContainer({ container_id: racer });
    assert.ok(isUntouched());
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    sandbox = await node.runSandbox();
  });

  it('/etc of the image leads out, where the pod’s files are put', async () => {
    const reference = await image('etc', [link('etc', outside)]);
    const { output } = await runShell(node, sandbox, 'cat /etc/hosts', {}, withImage(reference));
    assert.match(output, /localhost/);
    const single = await image('hosts', [link('etc/hosts', path.join(outside, 'secret'))]);
    const other = await runShell(node, sandbox, 'cat /etc/hosts', {}, withImage(single));
    assert.match(other.output, /localhost/);
    assert.ok(isUntouched());
  });

  it('the working directory of the image leads out, where it is made', async () => {
    const reference = await loadHostileImage(node, 'workdir', {
      members: [link('srv', outside)],
      config: { WorkingDir: '/srv/made/here' },
    });
    const where = await printed(node, sandbox, 'test -d . && echo made', {}, withImage(reference));
    assert.equal(where, 'made');
    assert.ok(isUntouched());
  });

  it('a VOLUME of the image names files of the host (CVE-2022-23648)', async () => {
    const up = `/../../../../..${outside}`;
    const reference = await loadHostileImage(node, 'volumes', {
      members: [link('data', outside)],
      config: { Volumes: { [up]: {}, '/data': {}, '/data/../secret': {} } },
    });
    const script = 'cat /data/secret || echo nothing';
    const { output } = await runShell(node, sandbox, script, {}, withImage(reference));
    assert.match(output, /nothing$/);
    assert.ok(isUntouched());
  });

  it('the console is a link of the image (CVE-2025-52565)', async () => {
    const reference = await image('console', [link('dev/console', path.join(outside, 'secret'))]);
    const changes = { ...withImage(reference), tty: true };
    const { output } = await runShell(
      node,
      sandbox,
      'stat -c %F:%t /dev/console; echo written > /dev/console',
      {},
      changes,
    );
    // A slave of the container's own pseudo-terminals: their major number is 136.
    assert.match(output, /character special file:88\r?\n(written)?/);
    assert.ok(isUntouched());
  });

  it('the cgroups of the container are not its to write (CVE-2023-25809)', async () => {
    const script =
      'for f in $(ls -d /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null); do touch $f && echo wrote; done; echo done';
    const { output } = await runShell(node, sandbox, script);
    assert.doesNotMatch(output, /wrote/);
    assert.match(output, /Read-only file system/);
  });

  it('labels of SELinux are put on nothing (CVE-2021-43816)', async () => {
    const file = path.join(outside, 'secret');
    const mounts = [
      { container_path: '/x', host_path: file, selinux_relabel: true, readonly: true },
    ];
    assert.equal(await printed(node, sandbox, 'cat /x', {}, { mounts }), 'of the host');
    assert.ok(isUntouched() && existsSync(file));
  });
});
