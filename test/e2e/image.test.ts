/** `skiff image load`: an archive becomes an image on every node. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { makeDockerArchive } from '../support/image-archive.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

describe('skiff image', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '2');
  });
  after(() => lab.down());

  it('loads an archive of docker save into every node', async () => {
    const folder = path.join(lab.folder, 'image');
    mkdirSync(folder);
    const archive = makeDockerArchive(folder, {
      name: 'example.com/box:1',
      config: {
        Entrypoint: ['/bin/sh', '-c', 'cat /motd; id -u; echo $GREETING; exec sleep 1000'],
        Env: ['PATH=/bin', 'GREETING=hello'],
        User: '1234',
        WorkingDir: '/',
      },
      files: { motd: 'from the image\n' },
    });
    const output = await lab.skiff('image', 'load', archive, '--name', lab.name);
    assert.match(output, /example\.com\/box:1/);
    assert.match(await lab.skiff('image', 'ls', '--name', lab.name), /example\.com\/box +1/);
    for (const node of ['node-1', 'node-2']) {
      const input = JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `box-${node}` },
        spec: {
          nodeName: node,
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'c', image: 'example.com/box:1' }],
        },
      });
      await lab.run(SKIFF, ['apply', '-f', '-'], { input });
      await eventually('its log', async () => {
        const log = await lab.kubectl('logs', `box-${node}`);
        return log === 'from the image\n1234\nhello\n';
      });
    }
  });

  it('says what is wrong with an image that is nowhere', async () => {
    const input = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'nowhere' },
      spec: { containers: [{ name: 'c', image: 'example.com/nowhere:1' }] },
    });
    await lab.run(SKIFF, ['apply', '-f', '-'], { input });
    await eventually('ErrImagePull or ImagePullBackOff', async () => {
      const pod = await lab.get<Pod>('pod', 'nowhere');
      const waiting = pod.status.containerStatuses?.[0]?.state?.waiting;
      assert.match(waiting?.reason ?? '', /^(ErrImagePull|ImagePullBackOff)$/);
    });
    await lab.kubectl('delete', 'pod', 'nowhere', '--now');
  });

  it('refuses what is no archive', async () => {
    const result = await lab.run(SKIFF, ['image', 'load', '/etc/hostname', '--name', lab.name]);
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /^skiff: /);
  });
});
