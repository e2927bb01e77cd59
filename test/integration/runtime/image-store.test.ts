/** Archives into the store, names and removal, also with other runtimes on the same folder. */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HOST_IMAGE } from '../../../agent/runtime/image/host-image.ts';
import { ImageStore } from '../../../agent/runtime/image/image-store.ts';
import { loadArchive, loadLayout } from '../../../agent/runtime/image/load-archive.ts';
import { MergedTree } from '../../../agent/runtime/image/merged-tree.ts';
import { systemClock } from '../../../base/clock.ts';
import { dockerArchive, ociArchive, ociMembers, stream, tar } from '../../support/archives.ts';

describe('the image store', () => {
  let base: string;
  let store: ImageStore;
  let layer: Buffer;
  let other: Buffer;

  beforeEach(async () => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-cri-images-'));
    store = new ImageStore(path.join(base, 'images'), 'one', systemClock);
    layer = await tar([{ name: 'bin/tool', content: 'tool', mode: 0o755 }]);
    other = await tar([{ name: 'etc/x', content: 'x' }]);
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const options = () => ({ signal: AbortSignal.timeout(30_000) });
  const load = (archive: Buffer) => loadArchive(store, stream(archive), options());
  const layers = () => readdirSync(path.join(store.folder, 'layers'));

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    it(`loads an OCI archive with layers compressed by ${compression}`, async () => {
      const config = { Entrypoint: ['/bin/tool'], Env: ['A=1'], User: '5', StopSignal: 'SIGINT' };
      const archive = await ociArchive({
        layers: [layer, other],
        names: ['team/app:1'],
        config,
        compression,
      });
      const [loaded] = await load(archive);
      assert.deepEqual(loaded?.names, ['docker.io/team/app:1']);
      const image = store.find('team/app:1');
      assert.ok(image !== undefined);
      assert.equal(image.id, loaded?.id);
      assert.deepEqual(image.config.entrypoint, ['/bin/tool']);
      assert.equal(image.config.stopSignal, 'SIGINT');
      assert.match(image.repoDigests[0] ?? '', /^docker\.io\/team\/app@sha256:[0-9a-f]{64}$/);
      assert.ok(image.size > 0);
      const { entry } = new MergedTree(store.lowerFolders(image)).resolve('bin/tool', true);
      assert.ok(entry?.stats.isFile());
      assert.equal(store.find(image.repoDigests[0] ?? '')?.id, image.id);
      assert.equal(store.find(image.id)?.id, image.id);
    });
  }

  it('loads what docker save writes, also compressed, and under several names', async () => {
    const archive = await dockerArchive({ layers: [layer], names: ['busybox:1', 'busybox:2'] });
    await load(gzipSync(archive));
    assert.equal(store.find('busybox:1')?.id, store.find('docker.io/library/busybox:2')?.id);
    const tags = ['docker.io/library/busybox:1', 'docker.io/library/busybox:2'];
    assert.deepEqual(store.find('busybox:1')?.repoTags, tags);
  });

  it('loads a folder in OCI layout, without following links out of it', async () => {
    const folder = path.join(base, 'layout');
    for (const { name, content } of ociMembers({ layers: [layer], names: ['a/b'] })) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content ?? '');
    }
    const [loaded] = await loadLayout(store, folder, options());
    assert.deepEqual(loaded?.names, ['docker.io/a/b:latest']);
  });

  it('gives a nameless image the name that the caller has for it', async () => {
    const archive = await ociArchive({ layers: [layer], names: [] });
    const [loaded] = await loadArchive(store, stream(archive), { ...options(), name: 'mine' });
    assert.deepEqual(loaded?.names, ['docker.io/library/mine:latest']);
  });

  it('shares layers, and moves a name to the image loaded last', async () => {
    await load(await ociArchive({ layers: [layer], names: ['a:1'] }));
    const first = store.find('a:1');
    await load(await ociArchive({ layers: [layer, other], names: ['a:1'] }));
    assert.notEqual(store.find('a:1')?.id, first?.id);
    assert.deepEqual(store.find(first?.id ?? '')?.repoTags, []);
    assert.equal(layers().length, 2);
  });

  it('refuses what is no image, has wrong digests, or takes a built-in name', async () => {
    await assert.rejects(load(Buffer.from('not an archive')));
    await assert.rejects(load(await tar([{ name: 'x', content: 'y' }])), /neither/);
    await assert.rejects(load(Buffer.alloc(0)));
    const members = ociMembers({ layers: [layer], names: ['a'] });
    const broken = members.map((member) =>
      member.name.startsWith('blobs/') ? { ...member, content: Buffer.from('{}') } : member,
    );
    await assert.rejects(load(await tar(broken)), /digest/);
    const taken = await ociArchive({ layers: [layer], names: ['skiff/host:latest'] });
    await assert.rejects(load(taken), /built in/);
    const huge = [{ name: 'index.json', content: Buffer.alloc(5 * 2 ** 20, 0x20) }];
    await assert.rejects(load(await tar(huge)), /at most/);
    assert.equal(store.list().length, 1);
    assert.deepEqual(readdirSync(path.join(store.folder, 'tmp')), []);
  });

  it('refuses an image for another machine', async () => {
    const members = ociMembers({ layers: [layer], names: ['a'] });
    const foreign = await tar(
      members.map((member) => {
        if (member.name !== 'index.json') return member;
        const index = JSON.parse(String(member.content));
        index.manifests[0].platform = { os: 'linux', architecture: 's390x' };
        return { ...member, content: JSON.stringify(index) };
      }),
    );
    await assert.rejects(load(foreign), /no image for linux/);
  });

  it('removes an image with all its names, and the layers nobody needs', async () => {
    await load(await ociArchive({ layers: [layer], names: ['a:1', 'a:2'] }));
    await load(await ociArchive({ layers: [layer, other], names: ['b'] }));
    store.remove('a:2');
    assert.equal(store.find('a:1'), undefined);
    assert.equal(layers().length, 2);
    store.remove('b');
    store.remove('b');
    assert.deepEqual(layers(), []);
  });

  it('keeps the layers of a removed image while a container of any runtime uses them', async () => {
    await load(await ociArchive({ layers: [layer], names: ['a'] }));
    const image = store.find('a');
    assert.ok(image !== undefined);
    const second = new ImageStore(store.folder, 'two', systemClock);
    assert.ok(store.use('c1', image));
    assert.ok(second.use('c2', image));
    second.remove('a');
    assert.equal(store.find('a'), undefined);
    assert.equal(store.use('c3', image), false);
    store.release('c1');
    assert.equal(layers().length, 1);
    second.keepOnly(new Set());
    assert.deepEqual(layers(), []);
    assert.deepEqual(readdirSync(path.join(store.folder, 'uses')), []);
    assert.deepEqual(readdirSync(path.join(store.folder, 'images')), []);
  });

  it('removes nothing while somebody brings an image, but all of it afterwards', async () => {
    await load(await ociArchive({ layers: [layer], names: ['a'] }));
    const second = new ImageStore(store.folder, 'two', systemClock);
    await store.hold(AbortSignal.timeout(10_000), async () => {
      second.remove('a');
      assert.equal(second.find('a'), undefined);
      assert.equal(layers().length, 1);
    });
    assert.deepEqual(layers(), []);
    assert.deepEqual(readdirSync(path.join(store.folder, 'blobs/sha256')), []);
    assert.deepEqual(readdirSync(path.join(store.folder, 'removed')), []);
  });

  it('keeps layers that a power cut may have torn only when an image has them', async () => {
    await load(await ociArchive({ layers: [layer], names: ['a'] }));
    const [known = ''] = layers();
    for (const [name, bootId] of [
      ['torn', 'another start of the machine'],
      ['fresh', readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()],
    ] as const) {
      const folder = path.join(store.folder, 'layers', name);
      mkdirSync(folder);
      const facts = { bytes: 1, inodes: 1, bootId };
      writeFileSync(path.join(folder, 'facts.json'), JSON.stringify(facts));
    }
    const file = path.join(store.folder, 'layers', known, 'facts.json');
    writeFileSync(file, JSON.stringify({ bytes: 1, inodes: 1, bootId: 'another' }));
    store.removeStale(Date.now());
    assert.deepEqual(layers().sort(), [known, 'fresh'].sort());
    store.removeStale(Date.now() + 25 * 60 * 60_000);
    assert.deepEqual(layers(), [known]);
  });

  it('removes what a loader that was killed has left, but not what one that works makes', async () => {
    const folder = store.makeTemporaryFolder();
    const second = new ImageStore(store.folder, 'two', systemClock);
    await store.hold(AbortSignal.timeout(10_000), async () => {
      second.removeStale(Date.now());
      assert.ok(existsSync(folder));
    });
    second.removeStale(Date.now());
    assert.equal(existsSync(folder), false);
  });

  it('keeps the layer of the built-in image that a container uses, and drops older ones', () => {
    const [current = ''] = store.lowerFolders(HOST_IMAGE);
    const old = ['used', 'unused'].map((name) => path.join(store.folder, 'host', name));
    for (const folder of old) mkdirSync(folder);
    const use = { imageId: HOST_IMAGE.id, owner: 'three', chainIds: [], hostLayer: 'used' };
    writeFileSync(path.join(store.folder, 'uses', 'c9'), JSON.stringify(use));
    assert.ok(store.use('c1', HOST_IMAGE));
    store.removeStale(Date.now());
    assert.deepEqual(
      old.map((folder) => existsSync(folder)),
      [true, false],
    );
    assert.ok(existsSync(current));
  });

  it('has the host’s image, which is never removed and hides secrets', () => {
    for (const name of ['skiff/host', 'skiff/host:latest', 'docker.io/skiff/host', HOST_IMAGE.id]) {
      assert.equal(store.find(name)?.id, HOST_IMAGE.id, name);
    }
    store.remove('skiff/host');
    assert.ok(store.find('skiff/host') !== undefined);
    const lowers = store.lowerFolders(HOST_IMAGE);
    const tree = new MergedTree(lowers);
    for (const name of [
      'etc/shadow',
      'etc/ssh',
      'var/lib/dpkg',
      'etc/sudoers',
      'boot',
      'lost+found',
    ]) {
      assert.equal(tree.resolve(name, true).entry, undefined, name);
    }
    for (const name of ['root', 'home', 'tmp', 'run', 'var/lib', 'usr']) {
      const { entry } = tree.resolve(name, true);
      assert.deepEqual(readdirSync(entry?.file ?? ''), name === 'run' ? ['lock'] : [], name);
    }
    assert.ok(tree.resolve('etc/passwd', true).entry?.stats.isFile());
    assert.ok(store.hostMounts(HOST_IMAGE).some(({ target }) => target === '/usr'));
    // Made once: another runtime finds the same.
    const second = new ImageStore(store.folder, 'two', systemClock);
    assert.deepEqual(second.lowerFolders(HOST_IMAGE), lowers);
    assert.ok(existsSync(lowers[0] ?? ''));
  });
});
