/**
 * Attacks on what the runtime itself leaves open or executes: its file descriptors, its binary, its
 * memory, its sockets. Named by the vulnerabilities of other runtimes that they are like.
 */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasUserNamespaces } from '../../../../agent/runtime/sandbox/user-namespace.ts';
import { SpawnerClient } from '../../../../agent/runtime/spawner/client.ts';
import { loadHostileImage, noImages } from '../../../support/hostile-image.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { printed, runShell, sandboxWith } from '../../../support/security-pods.ts';

const MAPPING = [{ container_id: 0, host_id: 9 * 65_536, length: 65_536 }];
const OWN_PIDS = {
  linux: { security_context: { namespace_options: { pid: 'CONTAINER' } } },
} as const;

describe('attacks on the runtime’s own files', { skip: noImages }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
  });
  after(() => node.close());

  it('find no memory of the runtime to look into (CVE-2016-9962)', {
    skip: !hasUserNamespaces(),
  }, async () => {
    // With every capability of its user namespace, whose other processes it may trace.
    const userns_options = { mode: 'POD', uids: MAPPING, gids: MAPPING } as const;
    const pod = await node.runSandbox(sandboxWith({ pid: 'POD', userns_options }));
    const spy = `
      $| = 1; my %seen; print "ready\\n";
      while (1) {
        for my $p (glob "/proc/[0-9]*") {
          my $exe = readlink "$p/exe"; next unless defined $exe;
          next if $exe =~ m{^/(usr/bin/(perl|true)|pause)};
          print "saw $p $exe\\n" unless $seen{$exe}++;
        }
      }`;
    const id = await node.startContainer(pod, ['/usr/bin/perl', '-e', spy], {
      linux: {
        security_context: {
          namespace_options: { pid: 'POD' },
          capabilities: { add_capabilities: ['ALL'] },
        },
      },
    });
    for (let time = 0; time < 25; time += 1) {
      await node.client.execSync({ container_id: id, cmd: ['/usr/bin/true'], timeout: 10 });
    }
    const log = readFileSync((await node.status(id)).log_path, 'utf8');
    assert.match(log, /ready/);
    assert.doesNotMatch(log, /saw/);
    await node.client.removePodSandbox({ pod_sandbox_id: pod });
  });

  it('cannot write to the runtime’s binary (CVE-2019-5736)', async () => {
    // What executes a script whose interpreter is /proc/self/exe, executes itself.
    // The kernel refuses to open a running program for writing, whoever asks; its times it would set.
    const touch = `
      const fs = require('fs'), { atime, mtime } = fs.statSync('/proc/self/exe');
      try { fs.utimesSync('/proc/self/exe', atime, mtime); console.log('written') }
      catch (error) { console.log(error.code) }`;
    const folder = path.join(node.folder, 'script');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'run'), '#!/proc/self/exe\n', { mode: 0o755 });
    writeFileSync(path.join(folder, 'touch.cjs'), touch);
    const id = await node.startContainer(sandbox, ['/data/run', '/data/touch.cjs'], {
      ...OWN_PIDS,
      log_path: 'exe.log',
      envs: [{ key: 'NODE_OPTIONS', value: Buffer.from('--require /data/touch.cjs') }],
      mounts: [{ container_path: '/data', host_path: folder, readonly: true }],
    });
    const { log_path: log } = await node.waitForExit(id);
    const output = readFileSync(log, 'utf8');
    assert.match(output, /stdout F EROFS/);
    assert.doesNotMatch(output, /written/);
    await node.client.removeContainer({ container_id: id });
  });

  it('have no descriptor of the node to start from (CVE-2024-21626)', async () => {
    const list = 'ls -l /proc/self/fd | grep -o "[0-9]* -> .*"';
    assert.match(
      await printed(node, sandbox, list),
      /^0 -> [^\n]*\n1 -> pipe[^\n]*\n2 -> [^\n]*\n3 -> \/proc\/[0-9]+\/fd$/,
    );
    for (const fd of [3, 5, 8, 12, 20]) {
      for (const way of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../../..`]) {
        await assert.rejects(
          runShell(node, sandbox, 'ls', {}, { working_dir: way }),
          /too many symbolic links|too many levels|no such file|not a directory|outside/i,
          way,
        );
      }
    }
  });

  it('have none as the working directory of the image either, nor of what is executed', async () => {
    const image = await loadHostileImage(node, 'cwd', {
      config: { WorkingDir: '/proc/self/fd/7' },
    });
    const start = runShell(node, sandbox, 'ls', {}, { image: { image } });
    await assert.rejects(start, /too many|no such file/i);
    const id = await node.startContainer(
      sandbox,
      ['/bin/sh', '-c', 'rmdir /srv/here && ln -s /proc/self/fd/9 /srv/here; exec sleep 1000'],
      { ...OWN_PIDS, metadata: { name: 'swap', attempt: 0 }, working_dir: '/srv/here' },
    );
    const cmd = ['/bin/sh', '-c', 'pwd; ls'];
    await assert.rejects(async () => {
      for (let time = 0; time < 20; time += 1) {
        await node.client.execSync({ container_id: id, cmd, timeout: 10 });
      }
    }, /too many|no such file/i);
    await node.client.removeContainer({ container_id: id });
  });

  it('inherit no capabilities, in processes that are executed neither (CVE-2022-29162)', async () => {
    const read = 'grep -E "^Cap(Inh|Amb)" /proc/self/status | grep -o "[0-9a-f]*$"';
    const none = '0000000000000000\n0000000000000000';
    assert.equal(await printed(node, sandbox, read), none);
    const id = await node.startContainer(sandbox, ['/bin/sleep', '1000'], {
      metadata: { name: 'caps', attempt: 0 },
      linux: {
        security_context: {
          namespace_options: { pid: 'CONTAINER' },
          run_as_user: { value: 1000 },
          capabilities: { add_capabilities: ['NET_ADMIN'] },
        },
      },
    });
    const cmd = ['/bin/sh', '-c', `${read}; grep CapEff /proc/self/status`];
    const { stdout } = await node.client.execSync({ container_id: id, cmd, timeout: 10 });
    assert.equal(stdout.toString(), `${none}\nCapEff:\t0000000000000000\n`);
    await node.client.removeContainer({ container_id: id });
  });

  it('reach no socket of the runtime from the node’s network (CVE-2020-15257)', async () => {
    const open = await node.runSandbox({ ...sandboxWith({ network: 'NODE' }), hostname: '' });
    const sockets = await printed(node, open, 'cat /proc/net/unix');
    const abstract = sockets
      .split('\n')
      .filter((line) => /@.*(skt|skiff|spawner|runtime)/.test(line));
    assert.deepEqual(abstract, []);
    for (const socket of [node.socket, path.join(node.runDir, 'spawner.sock')]) {
      assert.equal(statSync(socket).mode & 0o007, 0, socket);
    }
    assert.equal(statSync(node.dataDir).mode & 0o077, 0);
    await node.client.removePodSandbox({ pod_sandbox_id: open });
  });

  it('cannot overflow what is sent to the spawner (CVE-2021-43784)', async () => {
    const socket = net.connect(path.join(node.runDir, 'spawner.sock'));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < 6; sent += 1) socket.write(chunk);
    await closed;
    const spawner = await SpawnerClient.connect(node.runDir);
    assert.ok((await spawner.request('version', {})).pid > 0);
    spawner.close();
  });
});
