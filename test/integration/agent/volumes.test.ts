import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AgentPaths } from '../../../agent/agent-paths.ts';
import { runTool } from '../../../agent/run-tool.ts';
import { type Payload, writePayload } from '../../../agent/volumes/atomic-writer.ts';
import { containerMounts } from '../../../agent/volumes/container-mounts.ts';
import { Mounts } from '../../../agent/volumes/mounts.ts';
import { VolumeError } from '../../../agent/volumes/projections.ts';
import { openSubPath } from '../../../agent/volumes/sub-path.ts';
import { VolumeManager } from '../../../agent/volumes/volume-manager.ts';
import type { ConfigMap, Pod, Volume } from '../../../proto/api/gen/core-v1.ts';
import { newContainer, newPod } from '../../agent/pod-builder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'skt-agent-'));
});

const payload = (files: Readonly<Record<string, string>>): Payload =>
  new Map(
    Object.entries(files).map(([name, text]) => [name, { data: Buffer.from(text), mode: 0o640 }]),
  );

describe('writePayload', () => {
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

  it('writes files behind one symlink', async () => {
    assert.equal(await writePayload(folder, payload({ a: '1', 'dir/b': '2' })), true);
    assert.equal(read('a'), '1');
    assert.equal(read('dir/b'), '2');
    assert.equal(readlinkSync(path.join(folder, 'a')), '..data/a');
    assert.ok(lstatSync(path.join(folder, '..data')).isSymbolicLink());
    assert.equal(statSync(path.join(folder, 'a')).mode & 0o777, 0o640);
  });

  it('does nothing when nothing changed', async () => {
    await writePayload(folder, payload({ a: '1' }));
    const before = readlinkSync(path.join(folder, '..data'));
    assert.equal(await writePayload(folder, payload({ a: '1' })), false);
    assert.equal(readlinkSync(path.join(folder, '..data')), before);
  });

  it('replaces all at once, and removes what is stale', async () => {
    await writePayload(folder, payload({ a: '1', b: '2', 'dir/c': '3' }));
    assert.equal(await writePayload(folder, payload({ a: '4', d: '5' })), true);
    assert.equal(read('a'), '4');
    const names = readdirSync(folder).filter((name) => !name.startsWith('..'));
    assert.deepEqual(names.sort(), ['a', 'd']);
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('..')).length, 2);
  });

  it('refuses to write outside', async () => {
    await assert.rejects(writePayload(folder, payload({ '../x': '1' })));
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('openSubPath', () => {
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes missing folders and opens what is there', async () => {
    const handle = await openSubPath(folder, 'a/b');
    assert.ok((await handle.stat()).isDirectory());
    await handle.close();
    assert.ok(existsSync(path.join(folder, 'a/b')));
  });

  it('never leads outside', async () => {
    mkdirSync(path.join(folder, 'in'));
    symlinkSync('/etc', path.join(folder, 'in/etc'));
    symlinkSync('/nonexistent-skt', path.join(folder, 'in/dangling'));
    for (const subPath of ['etc', 'etc/passwd', '../x', '/etc', 'dangling', 'dangling/x']) {
      await assert.rejects(openSubPath(path.join(folder, 'in'), subPath), VolumeError, subPath);
    }
  });

  it('follows symlinks that stay inside', async () => {
    mkdirSync(path.join(folder, 'real'));
    symlinkSync('real', path.join(folder, 'link'));
    const handle = await openSubPath(folder, 'link');
    assert.equal((await handle.stat()).ino, statSync(path.join(folder, 'real')).ino);
    await handle.close();
  });
});

describe('VolumeManager', () => {
  const mounts = new Mounts(runTool);
  let paths: AgentPaths;
  let manager: VolumeManager;
  let maps: Map<string, ConfigMap>;

  beforeEach(() => {
    paths = new AgentPaths(folder);
    maps = new Map();
    manager = new VolumeManager({
      ...{ paths, mounts, allocatable: { cpuMilli: 1000, memoryBytes: 2 ** 30 } },
      sources: {
        configMap: async (_namespace, name) => maps.get(name),
        secret: async () => undefined,
        serviceAccountToken: async () => 'token',
        forget: () => undefined,
      },
    });
  });
  afterEach(async () => {
    await mounts.unmountBelow(folder);
    assert.deepEqual(await mounts.mountPoints(folder), []);
    rmSync(folder, { recursive: true });
  });

  const setUp = async (volume: Omit<Volume, 'name'>, spec: Partial<Pod['spec']> = {}) => {
    const pod = newPod({ volumes: [{ name: 'v', ...volume }], ...spec });
    return (await manager.setUp(pod)).get('v') ?? '';
  };

  it('makes an emptyDir for everyone, or for the group', async () => {
    const plain = await setUp({ emptyDir: {} });
    assert.equal(statSync(plain).mode & 0o7777, 0o777);
    await manager.tearDown('uid-1');
    assert.ok(!existsSync(plain));
    const grouped = await setUp({ emptyDir: {} }, { securityContext: { fsGroup: 2000 } });
    assert.equal(statSync(grouped).gid, 2000);
    assert.equal(statSync(grouped).mode & 0o7777, 0o2777);
  });

  it('mounts a tmpfs of the asked size, and takes it away', async () => {
    const source = { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } };
    const target = await setUp(source);
    await setUp(source);
    assert.deepEqual(await mounts.mountPoints(folder), [target]);
    await manager.tearDown('uid-1');
    assert.deepEqual(await mounts.mountPoints(folder), []);
    assert.ok(!existsSync(paths.pod('uid-1')));
  });

  it('keeps a configMap up to date, and waits for a missing one', async () => {
    const volume = { configMap: { name: 'm' } };
    await assert.rejects(setUp(volume), /configmap "m" not found/);
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: newPod().metadata } as const;
    maps.set('m', { ...map, data: { a: '1' } });
    const target = await setUp(volume);
    assert.equal(readFileSync(path.join(target, 'a'), 'utf8'), '1');
    maps.set('m', { ...map, data: { a: '2', b: '3' } });
    await setUp(volume);
    assert.equal(readFileSync(path.join(target, 'a'), 'utf8'), '2');
    const items = { configMap: { name: 'm', items: [{ key: 'no', path: 'x' }] } };
    await assert.rejects(setUp(items), /non-existent config key: no/);
  });

  it('projects tokens and the downward API', async () => {
    const target = await setUp({
      projected: {
        sources: [
          { serviceAccountToken: { path: 'token' } },
          {
            downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] },
          },
        ],
      },
    });
    assert.equal(readFileSync(path.join(target, 'token'), 'utf8'), 'token');
    assert.equal(readFileSync(path.join(target, 'ns'), 'utf8'), 'default');
    assert.ok((await mounts.mountPoints(folder)).includes(paths.tmpfs));
  });

  it('checks hostPath types', async () => {
    await assert.rejects(
      setUp({ hostPath: { path: '/etc/passwd', type: 'Directory' } }),
      VolumeError,
    );
    const made = path.join(folder, 'made/here');
    assert.equal(await setUp({ hostPath: { path: made, type: 'DirectoryOrCreate' } }), made);
    assert.ok(existsSync(made));
  });

  it('binds a subPath of a volume', async () => {
    const volumeMounts = [{ name: 'v', mountPath: '/data', subPath: 'sub' }];
    const container = newContainer('app', { volumeMounts });
    const pod = newPod({ volumes: [{ name: 'v', emptyDir: {} }], containers: [container] });
    const volumes = await manager.setUp(pod);
    await mkdir(path.join(volumes.get('v') ?? '', 'sub/inner'), { recursive: true });
    const environment = new Map<string, string>();
    const input = { pod, container, attempt: 0, volumes, environment, paths, mounts };
    const [mount] = await containerMounts(input);
    assert.equal(mount?.container_path, '/data');
    assert.ok(existsSync(path.join(`${mount?.host_path}`, 'inner')));
    await manager.tearDown('uid-1');
    assert.deepEqual(await mounts.mountPoints(folder), []);
  });
});
