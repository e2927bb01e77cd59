/** Images mounted as volumes: read, never written, never left by a path; and kept while in use. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ContainerConfig, Input, Mount } from '../../../proto/cri/types.ts';
import { loadHostileImage, noImages } from '../../support/hostile-image.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';
import { sandboxWith } from '../../support/security-pods.ts';

const SLEEP = ['/bin/sleep', '1000'];
const IDS = [{ container_id: 0, host_id: 9 * 65_536, length: 65_536 }];

describe('the volume of an image', { skip: noImages }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  let image: string;
  let made = 0;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox();
    image = await loadHostileImage(node, 'volume', {
      members: [
        { name: 'data/inner/file', content: 'from the image\n' },
        { name: 'data/program', content: '#!/bin/sh\necho ran\n', mode: 0o755 },
        { name: 'inside', type: 'symlink', linkname: '/data/inner' },
        { name: 'above', type: 'symlink', linkname: '../../../../../../data' },
        { name: 'etc-link', type: 'symlink', linkname: '/etc' },
        { name: 'proc-link', type: 'symlink', linkname: '/proc/self/cwd/etc' },
        { name: 'loop', type: 'symlink', linkname: 'loop' },
      ],
    });
  });
  after(() => node.close());

  const changes = (mount: Input<Mount>): Input<ContainerConfig> => {
    made += 1;
    return {
      metadata: { name: `v${made}`, attempt: 0 },
      mounts: [{ container_path: '/vol', readonly: true, image: { image }, ...mount }],
    };
  };
  const create = (mount: Input<Mount>) => node.createContainer(sandbox, SLEEP, changes(mount));
  const start = (mount: Input<Mount>) => node.startContainer(sandbox, SLEEP, changes(mount));
  const run = async (container_id: string, script: string) => {
    const cmd = ['/bin/sh', '-c', script];
    const { stdout, stderr } = await node.client.execSync({ container_id, cmd });
    return `${stdout}${stderr}`.trim();
  };

  it('has the files of all its layers, and nobody writes or executes them', async () => {
    const id = await start({});
    assert.equal(
      await run(id, 'cat /vol/data/inner/file; test -e /vol/bin/sh && echo base'),
      'from the image\nbase',
    );
    assert.match(await run(id, 'echo x >/vol/new'), /Read-only file system/);
    assert.match(await run(id, 'rm -r /vol/data'), /Read-only file system/);
    assert.match(await run(id, '/vol/data/program'), /[Pp]ermission denied/);
    const { mounts } = await node.status(id);
    assert.equal(mounts.length, 1);
    const { id: digest } = (await node.client.imageStatus({ image: { image } })).image ?? {};
    assert.deepEqual([mounts[0]?.image?.image, mounts[0]?.image?.image_ref], [image, digest]);
  });

  it('of a sub path is that part of it, a folder or a file, and its links stay inside', async () => {
    const folder = await start({ image_sub_path: 'data/inner' });
    assert.equal(await run(folder, 'ls /vol'), 'file');
    const file = await start({ image_sub_path: 'data/inner/file' });
    assert.equal(await run(file, 'cat /vol'), 'from the image');
    const link = await start({ image_sub_path: 'inside' });
    assert.equal(await run(link, 'ls /vol'), 'file');
    const above = await start({ image_sub_path: 'above' });
    assert.match(await run(above, 'ls /vol'), /inner\s+program/);
  });

  it('with a sub path that leads elsewhere, or nowhere, is refused by name', async () => {
    const paths = [
      ...['../etc', 'data/../../etc', '/etc', 'data/none', 'data/inner/file/below'],
      ...['etc-link', 'proc-link', 'loop', 'a\0b'],
    ];
    for (const image_sub_path of paths) {
      await assert.rejects(create({ image_sub_path }), {
        code: 'INVALID_ARGUMENT',
        message: /^ImageVolumeMountFailed: .*image_sub_path/s,
      });
    }
    const { containers } = await node.client.listContainers({});
    assert.ok(containers.every(({ state }) => state === 'CONTAINER_RUNNING'));
  });

  it('is refused when it could be written, and when there is no such image', async () => {
    const invalid = { code: 'INVALID_ARGUMENT', message: /^ImageVolumeMountFailed/ };
    await assert.rejects(create({ readonly: false }), invalid);
    await assert.rejects(create({ host_path: '/etc' }), invalid);
    await assert.rejects(create({ propagation: 'PROPAGATION_BIDIRECTIONAL' }), invalid);
    await assert.rejects(create({ container_path: 'vol' }), invalid);
    await assert.rejects(create({ image: { image: 'skiff/host' } }), invalid);
    await assert.rejects(create({ image: { image: 'no/such:1' } }), { code: 'NOT_FOUND' });
    await assert.rejects(create({ mount_options: ['exec'] }), { code: 'UNIMPLEMENTED' });
  });

  it('in a user namespace belongs to its root', async () => {
    const userns_options = { mode: 'POD', uids: IDS, gids: IDS } as const;
    const other = await node.runSandbox(sandboxWith({ userns_options }));
    const id = await node.startContainer(other, SLEEP, {
      ...changes({ image_sub_path: 'data' }),
      linux: { security_context: { namespace_options: { pid: 'CONTAINER', userns_options } } },
    });
    assert.equal(await run(id, 'stat -c %u:%g /vol /vol/inner/file'), '0:0\n0:0');
    await node.client.removePodSandbox({ pod_sandbox_id: other });
  });

  it('stays while a container has it, and goes with the last one', async () => {
    const removed = await loadHostileImage(node, 'removed', {
      members: [{ name: 'only/here', content: 'still here' }],
    });
    const id = await create({ image: { image: removed } });
    await node.client.removeImage({ image: { image: removed } });
    await node.client.startContainer({ container_id: id });
    assert.equal(await run(id, 'cat /vol/only/here'), 'still here');
    const used = async () => {
      const { image_filesystems } = await node.client.imageFsInfo({});
      return Number(image_filesystems[0]?.inodes_used?.value);
    };
    const before = await used();
    await node.client.removeContainer({ container_id: id });
    assert.ok((await used()) < before - 1, 'its own layer is gone');
  });
});
