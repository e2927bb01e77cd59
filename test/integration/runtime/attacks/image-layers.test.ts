/**
 * Layers that try to reach the host, or to use it up: section by section what happened to other
 * runtimes. Nothing may change outside the layer's folder, and nothing of a refused layer may stay.
 */

import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { ImageStore, lowersOf } from '../../../../agent/runtime/image/image-store.ts';
import { LayerApplier } from '../../../../agent/runtime/image/layer-applier.ts';
import { TarReader } from '../../../../agent/runtime/image/tar-reader.ts';
import { chainIdOf, unpackLayer } from '../../../../agent/runtime/image/unpack-layer.ts';
import { readXattrs } from '../../../../agent/runtime/syscalls/files.ts';
import { systemClock } from '../../../../base/clock.ts';
import { digest, stream } from '../../../support/archives.ts';
import { type RawMember, rawTar } from '../../../support/raw-tar.ts';

describe('a hostile layer', () => {
  let base: string;
  let outside: string;
  let victim: string;
  let store: ImageStore;
  let chain: string[];

  beforeEach(() => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-attack-'));
    outside = path.join(base, 'outside');
    mkdirSync(outside);
    victim = path.join(outside, 'victim');
    writeFileSync(victim, 'untouched');
    chmodSync(victim, 0o600);
    store = new ImageStore(path.join(base, 'images'), 'test', systemClock);
    chain = [];
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  async function add(members: readonly RawMember[] | Buffer, stored?: Buffer): Promise<string> {
    const bytes = Buffer.isBuffer(members) ? members : rawTar(members);
    const diffId = digest(bytes);
    const id = chainIdOf(chain.at(-1), diffId);
    const layer = { diffId, open: () => stream(stored ?? bytes) };
    const lowers = lowersOf(store.folder, chain);
    await unpackLayer(store, id, lowers, layer, AbortSignal.timeout(30_000));
    chain.push(id);
    return path.join(store.layerFolder(id), 'diff');
  }

  function assertUntouched(): void {
    assert.deepEqual(readdirSync(outside), ['victim']);
    assert.equal(readFileSync(victim, 'utf8'), 'untouched');
    const { mode, uid, nlink } = statSync(victim);
    assert.deepEqual([mode & 0o7777, uid, nlink], [0o600, 0, 1]);
    assert.deepEqual(readdirSync(path.join(store.folder, 'work')), []);
  }

  const folder = (name: string): RawMember => ({ name, type: '5', mode: 0o755 });
  const link = (name: string, linkName: string): RawMember => ({ name, type: '2', linkName });
  const hard = (name: string, linkName: string): RawMember => ({ name, type: '1', linkName });

  it('cannot name what is outside (CVE-2018-15664, "zip slip")', async () => {
    for (const name of [
      '../../outside/x',
      'a/../../../outside/x',
      `a/./../..${'/..'.repeat(30)}/x`,
    ]) {
      await assert.rejects(add([{ name, content: 'x' }]), /not a path in a layer/);
      await assert.rejects(
        add([{ name: 'short', content: 'x', pax: { path: name } }]),
        /not a path/,
      );
      await assert.rejects(add([{ name: 'f' }, hard('h', name)]), /not a path/);
      assertUntouched();
    }
    const inside = await add([{ name: path.join(outside, 'x'), content: 'inside' }]);
    assert.equal(readFileSync(path.join(inside, outside, 'x'), 'utf8'), 'inside');
    assertUntouched();
  });

  it('cannot go through its own links, absolute or climbing', async () => {
    const top = '../'.repeat(30);
    for (const target of [outside, `${top}${outside.slice(1)}`]) {
      chain = [];
      await add([
        link('d', target),
        { name: 'd/new', content: 'x' },
        { name: 'd/victim', content: 'changed', mode: 0o777, uid: 7 },
        folder('d/sub/'),
        link('d/other', '/etc/passwd'),
        { name: 'd/dev', type: '6' },
      ]);
      assertUntouched();
    }
  });

  it('cannot link to, change the mode or owner of, or write through a link to a file outside', async () => {
    await assert.rejects(add([hard('h', victim)]), /which is no file/);
    await add([
      link('l', victim),
      hard('h', 'l'),
      { name: 'h', content: 'changed', mode: 0o4777, uid: 9 },
      link('m', victim),
      { ...link('m', victim), mode: 0o777, uid: 9 },
    ]);
    assertUntouched();
    await add([link('etc', '/'), { name: 'etc/passwd', content: 'x' }]);
    assertUntouched();
  });

  it('cannot use a link of a lower layer that it, or a layer between, has put there', async () => {
    await add([folder('a/'), { name: 'a/x', content: '1' }, link('to', outside)]);
    await add([{ name: 'to/victim', content: 'changed' }, { name: 'to/.wh.victim' }]);
    await add([link('a', outside), { name: 'a/victim', content: 'changed' }]);
    await add([{ name: '.wh.a' }, { name: 'to/.wh..wh..opq' }, { name: 'a/victim', content: '2' }]);
    assertUntouched();
  });

  it('cannot have a whiteout made outside, by a link that takes the place of its folder later', async () => {
    await add([folder('d/'), { name: 'd/.wh.made' }, { name: 'd/.wh.victim' }, link('d', outside)]);
    assertUntouched();
    chain = [];
    await add([
      folder('d/'),
      folder('d/e/'),
      { name: 'd/e/.wh..wh..opq' },
      { name: 'd/e/.wh.made' },
      link('d', path.dirname(outside)),
    ]);
    assertUntouched();
    for (const name of ['.wh...', '.wh..', '.wh.', 'd/.wh...']) {
      await assert.rejects(add([{ name }]), /removes nothing/);
    }
  });

  it('cannot set the time of a folder outside by a link that replaces its own', async () => {
    const before = statSync(outside).mtimeMs;
    await add([folder('d/'), { name: 'd/x', content: '1' }, link('d', outside)]);
    assert.equal(statSync(outside).mtimeMs, before);
    assertUntouched();
  });

  it('cannot go on in a folder that it has removed', async () => {
    const made = await add([
      folder('d/'),
      { name: 'd/1', content: '1' },
      link('d', outside),
      { name: 'd/2', content: '2' },
      { name: 'd', content: 'file' },
    ]);
    assertUntouched();
    assert.ok(lstatSync(path.join(made, 'd')).isFile());
  });

  it('keeps file capabilities and its users’ attributes, and no others', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const made = await add([
      {
        name: 'ping',
        content: 'x',
        mode: 0o4755,
        pax: {
          'SCHILY.xattr.security.capability': capability,
          'SCHILY.xattr.user.note': Buffer.from([0xff, 0x00, 0x0a]),
          'SCHILY.xattr.trusted.overlay.opaque': 'y',
          'SCHILY.xattr.trusted.overlay.redirect': '/etc',
          'SCHILY.xattr.security.selinux': 'label',
        },
      },
      { ...folder('d/'), pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' } },
    ]);
    const next = await add([hard('copy', 'ping')]);
    for (const file of [
      path.join(made, 'ping'),
      path.join(next, 'ping'),
      path.join(next, 'copy'),
    ]) {
      const fd = openSync(file, 'r');
      const found = readXattrs(fd);
      closeSync(fd);
      assert.deepEqual([...found.keys()].sort(), ['security.capability', 'user.note'], file);
      assert.deepEqual(found.get('security.capability'), capability);
      assert.deepEqual(found.get('user.note'), Buffer.from([0xff, 0x00, 0x0a]));
      assert.equal(statSync(file).mode & 0o7777, 0o4755);
    }
    const fd = openSync(path.join(made, 'd'), 'r');
    assert.equal(readXattrs(fd).size, 0);
    closeSync(fd);
  });

  it('cannot use up the disk: bytes, entries, devices, holes, names, ratio', async () => {
    const limits = { entries: 10, bytes: 1_000, devices: 2 };
    const apply = (bytes: Buffer): void => {
      const work = mkdtempSync(path.join(base, 'applied-'));
      const applier = new LayerApplier(work, [], limits);
      try {
        const reader = new TarReader(applier);
        reader.push(bytes);
        reader.finish();
      } finally {
        applier.close();
      }
    };
    const many = Array.from({ length: 11 }, (_, index) => ({ name: `f${index}` }));
    assert.throws(() => apply(rawTar(many)), /too many entries/);
    assert.throws(() => apply(rawTar([{ name: 'a', content: Buffer.alloc(1_001) }])), /many bytes/);
    const devices = [1, 2, 3].map((minor) => ({ name: `d${minor}`, type: '3', major: 1, minor }));
    assert.throws(() => apply(rawTar(devices)), /too many device nodes/);
    const hole = {
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.realsize': '2000',
    };
    assert.throws(
      () => apply(rawTar([{ name: 'h', pax: hole, content: `0\n${'\0'.repeat(510)}` }])),
      /many bytes/,
    );
    await assert.rejects(
      add([{ name: 'n'.repeat(300), pax: { path: 'n'.repeat(300) } }]),
      /not a path/,
    );
    await assert.rejects(add([{ name: 'p', pax: { path: 'a/'.repeat(3000) } }]), /not a path/);
    const comment = { comment: 'c'.repeat(3 * 2 ** 20) };
    await assert.rejects(add([{ name: 'x', pax: comment }]), /extended header that is too large/);
    const bomb = zstdCompressSync(Buffer.alloc(300 * 2 ** 20));
    assert.ok(bomb.length < 100_000);
    const zeros = rawTar([{ name: 'bomb', content: Buffer.alloc(300 * 2 ** 20) }]);
    await assert.rejects(add(zeros, zstdCompressSync(zeros)), /more than 1032 times/);
    assertUntouched();
    assert.deepEqual(readdirSync(path.join(store.folder, 'layers')), []);
  });

  it('cannot pass off a cut or damaged archive', async () => {
    const bytes = rawTar([
      { name: 'a', content: Buffer.alloc(2_000, 1) },
      { name: 'b', content: 'b' },
    ]);
    await assert.rejects(add(bytes.subarray(0, 1_000)), /middle of a member/);
    const broken = Buffer.from(bytes);
    broken.writeUInt8(0x41, 5);
    await assert.rejects(add(broken), /wrong checksum/);
    const squeezed = gzipSync(bytes);
    await assert.rejects(add(bytes, squeezed.subarray(0, squeezed.length - 20)), /unexpected end/);
    assert.deepEqual(readdirSync(path.join(store.folder, 'layers')), []);
    assertUntouched();
  });

  it('cannot bring devices that are whiteouts, or have numbers beyond the kernel’s', async () => {
    for (const numbers of [
      { major: 0, minor: 0 },
      { major: 0x1000, minor: 0 },
      { major: 1, minor: 0x100000 },
    ]) {
      await assert.rejects(add([{ name: 'd', type: '3', ...numbers }]), /is a device/);
    }
    const made = await add([{ name: 'null', type: '3', major: 1, minor: 3, mode: 0o666 }]);
    const stats = lstatSync(path.join(made, 'null'));
    assert.deepEqual(
      [stats.isCharacterDevice(), stats.rdev, stats.mode & 0o777],
      [true, 0x103, 0o666],
    );
  });

  it('is not seen by other users of the host (CVE-2021-41103)', async () => {
    await add([{ name: 'su', content: 'x', mode: 0o4755 }]);
    for (const name of ['', 'layers', 'blobs/sha256', 'work', 'tmp', 'partial', 'uses']) {
      assert.equal(statSync(path.join(store.folder, name)).mode & 0o077, 0, name);
    }
  });
});
