/** Images made by other tools, from Debian's registry, through the CRI of a runtime that is killed. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import type { AuthConfig, Input } from '../../../proto/cri/types.ts';
import { DockerRegistry } from '../../support/docker-registry.ts';
import { noise } from '../../support/fake-registry.ts';
import { makeDockerArchive } from '../../support/image-archive.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';

const PORT = 5000;
const LOGIN = { username: 'ann', password: 's3cret' };

describe('a real registry', () => {
  const node = new RuntimeNode();
  let open: DockerRegistry;
  let closed: DockerRegistry;

  before(async () => {
    execFileSync('ip', ['-n', node.name, 'link', 'set', 'lo', 'up']);
    const place = { netns: node.name, address: '127.0.0.1' };
    const folder = (name: string): string => path.join(node.folder, name);
    [open, closed] = await Promise.all([
      DockerRegistry.start({ folder: folder('open'), place: { ...place, port: PORT } }),
      DockerRegistry.start({
        folder: folder('closed'),
        place: { ...place, port: PORT + 1 },
        login: LOGIN,
      }),
    ]);
    writeFileSync(
      node.registryConfig,
      JSON.stringify({
        registries: { [open.host]: { plainHttp: true }, [closed.host]: { plainHttp: true } },
      }),
    );
    await node.start();
    makeImages();
  });
  after(async () => {
    await Promise.all([open.stop(), closed.stop()]);
    await node.close();
  });

  /** One by our own writer, one by umoci; pushed by skopeo in both manifest formats. */
  function makeImages(): void {
    const folder = path.join(node.folder, 'archive');
    mkdirSync(folder);
    const archive = makeDockerArchive(folder, {
      name: 'example.com/box:1',
      config: { Entrypoint: ['/bin/sh', '-c', 'cat /motd'], Env: ['PATH=/bin'] },
      files: { motd: 'hello\n' },
    });
    open.push(`docker-archive:${archive}`, 'team/box:oci', '--format', 'oci');
    open.push(`docker-archive:${archive}`, 'team/box:v2s2', '--format', 'v2s2');
    closed.push(`docker-archive:${archive}`, 'team/box:1');
    const layout = path.join(node.folder, 'layout');
    const umoci = (...args: readonly string[]): void => {
      execFileSync('umoci', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    };
    umoci('init', '--layout', layout);
    umoci('new', '--image', `${layout}:big`);
    for (const name of ['one', 'two']) {
      writeFileSync(path.join(node.folder, name), noise(3_000_000));
      umoci('insert', '--image', `${layout}:big`, path.join(node.folder, name), `/data/${name}`);
    }
    umoci('config', '--image', `${layout}:big`, '--config.cmd', '/bin/true');
    open.push(`oci:${layout}:big`, 'made-by/umoci:1');
  }

  const pull = (image: string, auth?: Input<AuthConfig>) =>
    node.client.pullImage({ image: { image }, ...(auth === undefined ? {} : { auth }) });

  it('serves images in both formats, which run', async () => {
    for (const tag of ['oci', 'v2s2']) {
      const image = `${open.host}/team/box:${tag}`;
      const { image_ref: id } = await pull(image);
      const { image: status, info } = await node.client.imageStatus({
        image: { image },
        verbose: true,
      });
      assert.equal(status?.id, id);
      assert.deepEqual(status?.repo_tags?.includes(image), true);
      assert.match(info?.info ?? '', /"Entrypoint|entrypoint/);
      const sandbox = await node.runSandbox();
      const config = { metadata: { name: 'c' }, image: { image }, log_path: 'c.log' };
      const { container_id } = await node.client.createContainer({
        pod_sandbox_id: sandbox,
        config,
        sandbox_config: node.sandboxConfig(),
      });
      await node.client.startContainer({ container_id });
      const { exit_code } = await node.waitForExit(container_id);
      assert.equal(exit_code, 0);
      await node.client.removeImage({ image: { image } });
      await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    }
    assert.deepEqual(readdirSync(path.join(node.imageDir, 'layers')), []);
    assert.deepEqual(readdirSync(path.join(node.imageDir, 'blobs/sha256')), []);
  });

  it('with passwords lets in who has one, and says so to the others', async () => {
    const image = `${closed.host}/team/box:1`;
    const denied = { code: 'PERMISSION_DENIED', message: /pull access denied/ };
    await assert.rejects(pull(image), denied);
    await assert.rejects(pull(image, { username: 'ann', password: 'wrong' }), denied);
    await assert.rejects(pull(image, { auth: 'AAAA' }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(pull(image, { ...LOGIN, server_address: 'other.example' }), denied);
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
    await pull(image, { auth });
    await node.client.removeImage({ image: { image } });
    await pull(image, { ...LOGIN, server_address: `http://${closed.host}` });
    await node.client.removeImage({ image: { image } });
    await assert.rejects(pull(`${open.host}/no/such:1`), {
      code: 'NOT_FOUND',
      message: /not found/,
    });
    await assert.rejects(pull('a//b'), { code: 'INVALID_ARGUMENT' });
  });

  it('keeps its image whole when the runtime is killed at any moment of the pull', async () => {
    const image = `${open.host}/made-by/umoci:1`;
    // Moments that follow from the seed; the pull takes a few hundred milliseconds.
    const moments = [0, 1, 2, 3, 4, 5].map((index) => {
      const bytes = createHash('sha256').update(`kill ${index}`).digest();
      return bytes.readUInt16LE(0) % 250;
    });
    for (const delayMs of moments) {
      const ended = pull(image).catch(() => undefined);
      await systemClock.after(delayMs);
      await node.stop('SIGKILL');
      await ended;
      await node.start();
      const { images = [] } = await node.client.listImages({});
      for (const found of images.filter(({ pinned }) => !pinned)) {
        const { image: status } = await node.client.imageStatus({ image: { image: found.id } });
        assert.equal(status?.id, found.id);
      }
    }
    await pull(image);
    const [layer = '', ...others] = readdirSync(path.join(node.imageDir, 'layers'))
      .map((id) => path.join(node.imageDir, 'layers', id, 'diff/data'))
      .flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
    assert.equal(others.length, 1);
    const name = path.basename(layer);
    assert.deepEqual(readFileSync(layer), readFileSync(path.join(node.folder, name)));
    const info = await node.client.imageFsInfo({});
    const used = Number(info.image_filesystems?.[0]?.used_bytes?.value);
    assert.ok(used > 12_000_000 && used < 20_000_000, `${used}`);
    assert.ok(Number(info.image_filesystems?.[0]?.inodes_used?.value) > 6);
    await node.client.removeImage({ image: { image } });
    for (const folder of ['layers', 'partial', 'work', 'names', 'images', 'removed']) {
      const left = readdirSync(path.join(node.imageDir, folder));
      assert.ok(
        folder === 'names' || folder === 'images' || left.length === 0,
        `${folder}: ${left}`,
      );
    }
    assert.ok(statSync(path.join(node.imageDir, 'blobs/sha256')).isDirectory());
  });

  it('gives up a pull when its client goes', async () => {
    const image = `${open.host}/made-by/umoci:1`;
    await assert.rejects(node.client.pullImage({ image: { image } }, { timeoutMs: 1 }), {
      code: 'DEADLINE_EXCEEDED',
    });
    await pull(image);
  });
});
