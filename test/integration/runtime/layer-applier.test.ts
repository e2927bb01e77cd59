/** Layers become overlay folders; nothing a layer says gets out of its folder. */

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ImageStore, lowersOf } from '../../../agent/runtime/image/image-store.ts';
import { MergedTree } from '../../../agent/runtime/image/merged-tree.ts';
import { chainIdOf, unpackLayer } from '../../../agent/runtime/image/unpack-layer.ts';
import { isWhiteout } from '../../../agent/runtime/image/whiteout.ts';
import { systemClock } from '../../../base/clock.ts';
import { digest, type Member, stream, tar } from '../../support/archives.ts';

describe('a layer', () => {
  let base: string;
  let store: ImageStore;
  let chain: string[];

  beforeEach(() => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-cri-layers-'));
    store = new ImageStore(path.join(base, 'images'), 'test', systemClock);
    chain = [];
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  /** Unpacks on top of what is there; returns the layer's folder. */
  async function add(members: readonly Member[]): Promise<string> {
    const bytes = await tar(members);
    const diffId = digest(bytes);
    const id = chainIdOf(chain.at(-1), diffId);
    const layer = { diffId, open: () => stream(bytes) };
    const lowers = lowersOf(store.folder, chain);
    await unpackLayer(store, id, lowers, layer, AbortSignal.timeout(20_000));
    chain.push(id);
    return store.layerFolder(id);
  }

  /** The content of a file, as it is seen through all layers. */
  function read(name: string): string | undefined {
    const { entry } = new MergedTree(lowersOf(store.folder, chain)).resolve(name, true);
    return entry === undefined ? undefined : readFileSync(entry.file, 'utf8');
  }

  it('keeps files with their owner, mode and time, and folder times', async () => {
    const mtime = new Date(1_000_000_000_000);
    const folder = await add([
      { name: 'bin/', type: 'directory', mode: 0o755, mtime },
      { name: 'bin/su', content: 'x', mode: 0o4755, uid: 7, gid: 8, mtime },
      { name: 'bin/link', type: 'symlink', linkname: '/bin/su', mtime },
      { name: 'bin/hard', type: 'link', linkname: 'bin/su' },
      { name: 'run/pipe', type: 'fifo', mode: 0o600 },
    ]);
    const stats = lstatSync(path.join(folder, 'diff/bin/su'));
    assert.deepEqual([stats.mode & 0o7777, stats.uid, stats.gid], [0o4755, 7, 8]);
    assert.equal(stats.nlink, 2);
    assert.equal(lstatSync(path.join(folder, 'diff/bin')).mtimeMs, mtime.getTime());
    assert.equal(readlinkSync(path.join(folder, 'diff/bin/link')), '/bin/su');
    assert.ok(lstatSync(path.join(folder, 'diff/run/pipe')).isFIFO());
    assert.deepEqual(readdirSync(folder).sort(), ['diff', 'facts.json']);
  });

  it('removes what a whiteout names, and hides all of an opaque folder', async () => {
    await add([
      { name: 'etc/a', content: '1' },
      { name: 'etc/b', content: '1' },
      { name: 'opt/old/x', content: '1' },
    ]);
    await add([
      { name: 'etc/.wh.a' },
      { name: 'opt/old/.wh..wh..opq' },
      { name: 'opt/old/y', content: '2' },
      { name: 'etc/.wh..wh.plnk', content: 'ignored' },
    ]);
    assert.equal(read('etc/a'), undefined);
    assert.equal(read('etc/b'), '1');
    assert.equal(read('opt/old/x'), undefined);
    assert.equal(read('opt/old/y'), '2');
  });

  it('that is opaque at its root hides everything below', async () => {
    await add([{ name: 'etc/a', content: '1' }]);
    await add([{ name: '.wh..wh..opq' }, { name: 'b', content: '2' }]);
    assert.equal(read('etc/a'), undefined);
    assert.equal(read('b'), '2');
  });

  it('that removes a folder and makes it again has only the new one', async () => {
    await add([{ name: 'd/old', content: '1' }]);
    await add([{ name: '.wh.d' }, { name: 'd/new', content: '2' }]);
    assert.equal(read('d/old'), undefined);
    assert.equal(read('d/new'), '2');
  });

  it('takes the attributes of folders that it does not name from below, and follows links', async () => {
    await add([
      { name: 'usr/lib/', type: 'directory', mode: 0o711, uid: 3 },
      { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
    ]);
    const folder = await add([{ name: 'lib/x', content: '2' }]);
    const stats = lstatSync(path.join(folder, 'diff/usr/lib'));
    assert.deepEqual([stats.mode & 0o777, stats.uid], [0o711, 3]);
    assert.equal(existsSync(path.join(folder, 'diff/lib')), false);
    assert.equal(read('lib/x'), '2');
  });

  it('may link to a file of a lower layer', async () => {
    await add([{ name: 'a', content: 'below', mode: 0o640 }]);
    await add([{ name: 'b', type: 'link', linkname: 'a' }]);
    assert.equal(read('b'), 'below');
  });

  it('replaces a file by a folder, and a folder by a link', async () => {
    const folder = await add([
      { name: 'a', content: '1' },
      { name: 'a/', type: 'directory' },
      { name: 'b/c', content: '1' },
      { name: 'b', type: 'symlink', linkname: 'a' },
    ]);
    assert.ok(lstatSync(path.join(folder, 'diff/a')).isDirectory());
    assert.ok(lstatSync(path.join(folder, 'diff/b')).isSymbolicLink());
  });

  describe('that is hostile', () => {
    const outside = '/tmp/skt-cri-must-not-exist';
    const cases: Readonly<Record<string, readonly Member[]>> = {
      'names a parent': [{ name: `../../../../../..${outside}`, content: 'x' }],
      'hides a parent in the middle': [{ name: `a/../../../../..${outside}`, content: 'x' }],
      'links to a parent by name': [
        { name: 'a', type: 'link', linkname: '../../../../etc/passwd' },
      ],
      'links to a folder': [
        { name: 'd/', type: 'directory' },
        { name: 'a', type: 'link', linkname: 'd' },
      ],
      'puts a file below a file': [
        { name: 'a', content: '1' },
        { name: 'a/b', content: '2' },
      ],
      'has a loop of links': [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: 'a' },
        { name: 'a/x', content: '1' },
      ],
      'makes a whiteout by number': [
        { name: 'a', type: 'character-device', devmajor: 0, devminor: 0 },
      ],
      'removes its parent': [{ name: 'a/.wh...' }],
      'has a name that is too long': [{ name: 'n'.repeat(256), content: 'x' }],
    };
    for (const [what, members] of Object.entries(cases)) {
      it(`and ${what} is refused, and leaves nothing`, async () => {
        await assert.rejects(add(members));
        assert.equal(existsSync(outside), false);
        assert.deepEqual(readdirSync(path.join(store.folder, 'layers')), []);
        assert.deepEqual(readdirSync(path.join(store.folder, 'tmp')), []);
      });
    }

    it('and goes through absolute or climbing links stays inside', async () => {
      const folder = await add([
        { name: 'abs', type: 'symlink', linkname: '/tmp' },
        { name: 'up', type: 'symlink', linkname: '../../../../../../../../tmp' },
        { name: 'abs/skt-cri-a', content: 'x' },
        { name: 'up/skt-cri-b', content: 'x' },
        { name: '/skt-cri-c', content: 'x' },
      ]);
      for (const name of ['tmp/skt-cri-a', 'tmp/skt-cri-b', 'skt-cri-c']) {
        assert.ok(existsSync(path.join(folder, 'diff', name)), name);
        assert.equal(existsSync(path.join('/', name)), false);
      }
    });

    it('and replaces a link by a file does not write through the link', async () => {
      const victim = path.join(base, 'victim');
      await add([
        { name: 'f', type: 'symlink', linkname: victim },
        { name: 'f', content: 'x' },
      ]);
      assert.equal(existsSync(victim), false);
      assert.equal(read('f'), 'x');
    });
  });

  it('with other bytes than declared is refused', async () => {
    const bytes = await tar([{ name: 'a', content: '1' }]);
    const diffId = digest(Buffer.from('other'));
    const layer = { diffId, open: () => stream(bytes) };
    const id = chainIdOf(undefined, diffId);
    await assert.rejects(
      unpackLayer(store, id, [], layer, AbortSignal.timeout(20_000)),
      /was declared/,
    );
    assert.equal(existsSync(store.layerFolder(id)), false);
  });

  it('is unpacked once when two do it at the same time', async () => {
    const bytes = await tar([{ name: '.wh.x' }, { name: 'a', content: '1' }]);
    const diffId = digest(bytes);
    const id = chainIdOf(undefined, diffId);
    const layer = { digest: diffId, diffId, open: () => stream(bytes) };
    const signal = AbortSignal.timeout(20_000);
    await Promise.all([1, 2, 3].map(() => unpackLayer(store, id, [], layer, signal)));
    assert.ok(isWhiteout(lstatSync(path.join(store.layerFolder(id), 'diff/x'))));
    assert.deepEqual(readdirSync(path.join(store.folder, 'tmp')), []);
  });
});
