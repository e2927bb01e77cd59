/** `skiff image`, and pods whose image comes from a registry with a pull secret. */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { controlAddress, controlNetns } from '../../lab/cluster/lab-spec.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { DockerRegistry } from '../support/docker-registry.ts';
import { eventually } from '../support/eventually.ts';
import { makeDockerArchive } from '../support/image-archive.ts';
import { mustRun } from '../support/run-command.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

describe('skiff image', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '2');
  });
  after(async () => {
    await registry?.stop();
    await lab.down();
  });
  let registry: DockerRegistry | undefined;

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

  it('gives an image back byte for byte, in both forms, which other tools read', async () => {
    const image = 'example.com/box:1';
    const before = await lab.skiff('image', 'ls', '--name', lab.name);
    for (const [format, transport] of [
      ['oci', 'oci-archive'],
      ['docker', 'docker-archive'],
    ] as const) {
      const file = path.join(lab.folder, `${format}.tar`);
      const flags = ['--format', format, '-o', file, '--name', lab.name];
      await lab.skiff('image', 'save', image, ...flags);
      const layers = JSON.parse(await mustRun('skopeo', ['inspect', `${transport}:${file}`])) as {
        readonly Layers: readonly string[];
      };
      assert.equal(layers.Layers.length, 1);
      await lab.skiff('image', 'rm', image, '--name', lab.name);
      const input = await mustRun(
        'sh',
        ['-c', `gzip -c ${file} | ${SKIFF} image load - --name ${lab.name}`],
        { env: lab.env },
      );
      assert.match(input, /Loaded example\.com\/box:1/);
      assert.equal(await lab.skiff('image', 'ls', '--name', lab.name), before);
    }
    const host = await lab.run(SKIFF, [
      'image',
      'save',
      'skiff/host',
      '-o',
      '-',
      '--name',
      lab.name,
    ]);
    assert.notEqual(host.code, 0);
    assert.match(host.stderr, /built in/);
  });

  it('runs a pod from a registry with its pull secret, and says why not without', async () => {
    const folder = path.join(lab.folder, 'registry');
    const address = controlAddress(lab.spec);
    const place = { netns: controlNetns(lab.spec), address, port: 5000 };
    const login = { username: 'ann', password: 's3cret' };
    registry = await DockerRegistry.start({ folder, place, login });
    mkdirSync(path.join(folder, 'image'));
    const archive = makeDockerArchive(path.join(folder, 'image'), {
      name: 'x:1',
      config: { Entrypoint: ['/bin/sh', '-c', 'cat /motd; exec sleep 1000'], Env: ['PATH=/bin'] },
      files: { motd: 'from the registry\n' },
    });
    registry.push(`docker-archive:${archive}`, 'team/box:1');
    const image = `${registry.host}/team/box:1`;
    const config = path.join(lab.folder, 'registries.yaml');
    writeFileSync(config, `registries:\n  ${registry.host}:\n    plainHttp: true\n`);
    await lab.up('--registry-config', config);
    await lab.kubectl('run', 'denied', `--image=${image}`, '--restart=Never');
    await eventually('ErrImagePull', async () => {
      const pod = await lab.get<Pod>('pod', 'denied');
      const waiting = pod.status.containerStatuses?.[0]?.state?.waiting;
      assert.match(waiting?.reason ?? '', /^(ErrImagePull|ImagePullBackOff)$/);
      assert.match(waiting?.message ?? '', /pull access denied/);
    });
    await lab.kubectl(
      ...['create', 'secret', 'docker-registry', 'login', `--docker-server=${registry.host}`],
      ...[`--docker-username=${login.username}`, `--docker-password=${login.password}`],
    );
    const overrides = { spec: { imagePullSecrets: [{ name: 'login' }] } };
    await lab.kubectl(
      'run',
      'pulled',
      `--image=${image}`,
      '--overrides',
      JSON.stringify(overrides),
    );
    await eventually('its log', async () => {
      assert.equal(await lab.kubectl('logs', 'pulled'), 'from the registry\n');
    });
    await lab.kubectl('delete', 'pod', 'denied', 'pulled', '--now');
    await lab.skiff('image', 'rm', image, '--name', lab.name);
    const flags = ['--username', 'ann', '--password-stdin', '--name', lab.name];
    const pulled = await lab.run(SKIFF, ['image', 'pull', image, ...flags], { input: 's3cret\n' });
    assert.match(pulled.stdout, /: downloaded\n(.*\n)*Pulled .*team\/box:1/, pulled.stderr);
    const wrong = await lab.run(SKIFF, ['image', 'pull', `${registry.host}/team/no:1`, ...flags], {
      input: 's3cret',
    });
    assert.deepEqual([wrong.code, wrong.stderr.split('\n').length], [1, 2]);
    assert.match(wrong.stderr, /^skiff: could not pull .*unknown/);
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
