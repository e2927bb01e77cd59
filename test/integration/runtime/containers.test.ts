/** What a container finds inside: its image, user, mounts, network, limits on what it may do. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ImageStore } from '../../../agent/runtime/image/image-store.ts';
import { loadArchive } from '../../../agent/runtime/image/load-archive.ts';
import { systemClock } from '../../../base/clock.ts';
import { dockerArchive, stream, tar } from '../../support/archives.ts';
import { until } from '../../support/cri-pods.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';

const BUSYBOX = '/bin/busybox';
const skip = existsSync(BUSYBOX) ? false : `${BUSYBOX} is not installed`;

describe('a container', () => {
  let node: RuntimeNode;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
  });
  after(() => node.close());

  const run = async (id: string, ...cmd: string[]) => {
    const { stdout, stderr } = await node.client.execSync({ container_id: id, cmd });
    return `${stdout}${stderr}`.trim();
  };
  const remove = (sandbox: string) => node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  const own = { namespace_options: { pid: 'CONTAINER' } } as const;

  it('runs an image from an archive, with its user, environment and command', {
    skip,
  }, async () => {
    const binary = readFileSync(BUSYBOX);
    const base = await tar([
      { name: 'bin/busybox', content: binary, mode: 0o755 },
      ...['sh', 'id', 'cat', 'sleep', 'ls'].map((name) => ({
        name: `bin/${name}`,
        type: 'symlink' as const,
        linkname: 'busybox',
      })),
      { name: 'etc/passwd', content: 'app:x:1000:1000::/srv:/bin/sh\n' },
      { name: 'etc/group', content: 'app:x:1000:\nextra:x:44:app\n' },
      { name: 'data/old', content: 'old' },
      { name: 'gone', content: 'x' },
    ]);
    const top = await tar([
      { name: '.wh.gone' },
      { name: 'data/.wh..wh..opq' },
      { name: 'data/new', content: 'new' },
    ]);
    const config = {
      User: 'app',
      Env: ['PATH=/bin', 'FROM_IMAGE=yes', 'OVER=image'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['id; ls / /data; echo $FROM_IMAGE $OVER; cat; exec sleep 1000'],
      WorkingDir: '/srv',
    };
    const archive = await dockerArchive({ layers: [base, top], names: ['test/app:1'], config });
    const images = new ImageStore(node.imageDir, 'test', systemClock);
    await loadArchive(images, stream(archive), { signal: AbortSignal.timeout(30_000) });

    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, [], {
      image: { image: 'test/app:1' },
      envs: [{ key: 'OVER', value: Buffer.from('request') }],
    });
    const { log_path: log, image, user } = await node.status(id);
    assert.equal(image?.image, 'docker.io/test/app:1');
    assert.deepEqual(user?.linux, {
      uid: '1000',
      gid: '1000',
      supplemental_groups: ['1000', '44'],
    });
    const written = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await until('it has written', async () => written().includes('yes request'));
    assert.match(written(), /uid=1000\(app\) gid=1000\(app\) groups=\S*44\(extra\)/);
    assert.doesNotMatch(written(), /gone|old/);
    assert.match(written(), /new/);
    // Removed while it runs: the container keeps its layers, the image is gone at once.
    await node.client.removeImage({ image: { image: 'test/app:1' } });
    assert.equal((await node.client.imageStatus({ image: { image: 'test/app:1' } })).image, null);
    assert.equal(await run(id, '/bin/cat', '/data/new'), 'new');
    await remove(sandbox);
    assert.deepEqual(readdirSync(path.join(node.imageDir, 'layers')), []);
  });

  it('shares network and host name with its pod, not files and processes', async () => {
    const sandbox = await node.runSandbox();
    const first = await node.startContainer(sandbox, ['sleep', '1000']);
    const second = await node.startContainer(sandbox, ['sleep', '1001'], {
      metadata: { name: 'second', attempt: 0 },
    });
    assert.equal(
      await run(first, 'readlink', '/proc/self/ns/net'),
      await run(second, 'readlink', '/proc/self/ns/net'),
    );
    assert.notEqual(
      await run(first, 'readlink', '/proc/self/ns/mnt'),
      await run(second, 'readlink', '/proc/self/ns/mnt'),
    );
    await run(first, 'touch', '/tmp/mine');
    assert.match(await run(second, 'ls', '/tmp/mine'), /No such file/);
    assert.doesNotMatch(await run(first, 'ps', '-e', '-o', 'args='), /1001/);
    await remove(sandbox);
  });

  it('reaches a pod beside it', async () => {
    const [a, b] = [await node.runSandbox(), await node.runSandbox()];
    const id = await node.startContainer(a, ['sleep', '1000']);
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: b });
    assert.match(await run(id, 'ping', '-c1', '-W2', status?.network?.ip ?? ''), / 0% packet loss/);
    await remove(a);
    await remove(b);
  });

  it('on the node’s network has no address of its own', async () => {
    const linux = {
      security_context: { namespace_options: { network: 'NODE', pid: 'CONTAINER' } },
    } as const;
    const sandbox = await node.runSandbox({ hostname: '', linux });
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    assert.equal(status?.network?.ip, '');
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    assert.match(await run(id, 'ip', '-o', 'link', 'show', 'skiff0'), /skiff0/);
    await remove(sandbox);
  });

  it('gets its mounts, read-only where asked, and reports exactly those', async () => {
    const source = path.join(node.folder, 'volume');
    mkdirSync(source);
    writeFileSync(path.join(source, 'file'), 'content');
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000'], {
      mounts: [
        { container_path: '/deep/er/rw', host_path: source },
        { container_path: '/ro', host_path: source, readonly: true },
        { container_path: '/new', host_path: path.join(node.folder, 'made') },
      ],
    });
    assert.equal(await run(id, 'cat', '/ro/file'), 'content');
    assert.match(await run(id, 'touch', '/ro/x'), /Read-only/);
    await run(id, 'touch', '/deep/er/rw/x');
    assert.ok(existsSync(path.join(source, 'x')));
    const { mounts } = await node.status(id);
    assert.deepEqual(
      mounts.map((mount) => mount.container_path),
      ['/deep/er/rw', '/ro', '/new'],
    );
    await remove(sandbox);
  });

  it('runs as who it is told to, and may do no more than that', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000'], {
      linux: {
        security_context: {
          ...own,
          run_as_user: { value: 65534 },
          run_as_group: { value: 1234 },
          supplemental_groups: [77],
          no_new_privs: true,
          readonly_rootfs: true,
          capabilities: { drop_capabilities: ['ALL'] },
          masked_paths: ['/proc/cpuinfo'],
          readonly_paths: ['/proc/sys'],
        },
      },
    });
    assert.match(await run(id, 'id'), /uid=65534\S* gid=1234 groups=(1234,77|77,1234)/);
    const status = await run(id, 'cat', '/proc/self/status');
    assert.match(status, /CapBnd:\s+0+\n/);
    assert.match(status, /NoNewPrivs:\s+1/);
    assert.match(await run(id, 'touch', '/tmp/x'), /Read-only/);
    assert.equal(await run(id, 'cat', '/proc/cpuinfo'), '');
    await remove(sandbox);
  });

  it('is refused when it asks for what it cannot have', async () => {
    const sandbox = await node.runSandbox();
    const refused = (changes: object, code: string) =>
      assert.rejects(node.createContainer(sandbox, ['true'], changes), { code });
    await refused(
      { linux: { security_context: { ...own, privileged: true } } },
      'INVALID_ARGUMENT',
    );
    const group = { ...own, run_as_group: { value: 5 } };
    await refused({ linux: { security_context: group } }, 'INVALID_ARGUMENT');
    const name = { ...own, run_as_username: 'no-such-user' };
    await refused({ linux: { security_context: name } }, 'INVALID_ARGUMENT');
    await refused({ CDI_devices: [{ name: 'vendor.com/gpu=0' }] }, 'UNIMPLEMENTED');
    await refused({ log_path: '../../escape.log' }, 'INVALID_ARGUMENT');
    await refused({ envs: [{ key: 'A', value: Buffer.from([0xff]) }] }, 'INVALID_ARGUMENT');
    await refused({ working_dir: 'relative' }, 'INVALID_ARGUMENT');
    assert.deepEqual(
      (await node.client.listContainers({ filter: { pod_sandbox_id: sandbox } })).containers,
      [],
    );
    assert.deepEqual(readdirSync(path.join(node.dataDir, 'containers')), []);
    await remove(sandbox);
  });
});
