/** Manifests, configurations and archives that say more than they should. */

import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ImagePuller } from '../../../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../../../agent/runtime/image/image-store.ts';
import { loadArchive, loadLayout } from '../../../../agent/runtime/image/load-archive.ts';
import { parseReference } from '../../../../agent/runtime/image/reference.ts';
import { ANONYMOUS } from '../../../../agent/runtime/image/registry/credentials.ts';
import {
  EMPTY_CONFIG,
  withPlainHttp,
} from '../../../../agent/runtime/image/registry/registry-config.ts';
import { systemClock } from '../../../../base/clock.ts';
import { ociMembers, stream, tar } from '../../../support/archives.ts';
import { FakeRegistry, OCI_INDEX, OCI_MANIFEST } from '../../../support/fake-registry.ts';
import { rawTar } from '../../../support/raw-tar.ts';

describe('a hostile image', () => {
  let base: string;
  let store: ImageStore;
  let registry: FakeRegistry;
  let layer: Buffer;

  beforeEach(async () => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-attack-'));
    store = new ImageStore(path.join(base, 'images'), 'test', systemClock);
    registry = new FakeRegistry();
    await registry.start();
    layer = rawTar([{ name: 'a', content: 'a' }]);
  });
  afterEach(async () => {
    await registry.stop();
    rmSync(base, { recursive: true, force: true });
  });

  const signal = () => AbortSignal.timeout(30_000);
  function pull(tag = '1') {
    const parsed = parseReference(`${registry.host}/app:${tag}`);
    assert.ok(parsed.kind === 'name');
    const config = () => withPlainHttp(EMPTY_CONFIG, registry.host);
    const puller = new ImagePuller({ store, clock: systemClock, config, idleMs: 5_000 });
    return puller.pull({ name: parsed.name, credentials: ANONYMOUS, signal: signal() });
  }

  function assertNothing(): void {
    assert.equal(store.list().length, 1);
    for (const folder of ['layers', 'names', 'images', 'work']) {
      assert.deepEqual(readdirSync(path.join(store.folder, folder)), [], folder);
    }
  }

  it('cannot be a manifest to one reader and an index to another (CVE-2021-41190)', async () => {
    const manifest = registry.makeManifest({ layers: [layer] });
    const both = { ...manifest, manifests: [] };
    for (const [document, type] of [
      [both, OCI_MANIFEST],
      [both, OCI_INDEX],
      [manifest, OCI_INDEX],
      [
        { ...manifest, mediaType: undefined, manifests: [], layers: undefined, config: undefined },
        OCI_MANIFEST,
      ],
    ] as const) {
      registry.putManifest('app', ['1'], document, type);
      await assert.rejects(pull(), { kind: 'invalid' });
    }
    const index = {
      schemaVersion: 2,
      manifests: [
        {
          mediaType: OCI_INDEX,
          digest: registry.putManifest('app', [], manifest, OCI_MANIFEST),
          size: JSON.stringify(manifest).length,
        },
      ],
    };
    registry.putManifest('app', ['1'], index, OCI_INDEX);
    await assert.rejects(pull(), { message: /not what it is declared/ });
    assertNothing();
  });

  it('cannot fill the memory with its documents (CVE-2023-25153)', async () => {
    const huge = { ...registry.makeManifest({ layers: [layer] }), pad: 'x'.repeat(5 * 2 ** 20) };
    registry.putManifest('app', ['1'], huge, OCI_MANIFEST);
    await assert.rejects(pull(), { message: /more than 4194304 bytes/ });
    const config = { Labels: { pad: 'x'.repeat(5 * 2 ** 20) } };
    registry.push('app', '1', { layers: [layer], config });
    await assert.rejects(pull(), { message: /configuration has \d+ bytes/ });
    const archive = await tar(ociMembers({ layers: [layer], names: ['a'], config }));
    await assert.rejects(loadArchive(store, stream(archive), { signal: signal() }), /at most/);
    assertNothing();
  });

  it('cannot nest its indexes without end, or have layers without number', async () => {
    let document: object = registry.makeManifest({ layers: [layer] });
    let mediaType = OCI_MANIFEST;
    for (let depth = 0; depth < 6; depth += 1) {
      const name = registry.putManifest('app', ['1'], document, mediaType);
      const size = JSON.stringify(document).length;
      document = { schemaVersion: 2, manifests: [{ mediaType, digest: name, size }] };
      mediaType = OCI_INDEX;
    }
    await assert.rejects(pull(), { message: /nested too deeply/ });
    const manifest = registry.makeManifest({ layers: Array.from({ length: 300 }, () => layer) });
    registry.putManifest('app', ['1'], manifest, OCI_MANIFEST);
    await assert.rejects(pull(), { message: /at most 240 layers/ });
    assertNothing();
  });

  it('cannot read the host’s files by the names in its archive', async () => {
    for (const name of ['/etc/passwd', '../../../../etc/passwd', 'link']) {
      const manifest = JSON.stringify([{ Config: name, RepoTags: ['a:1'], Layers: [name] }]);
      const archive = rawTar([
        { name: 'manifest.json', content: manifest },
        { name: 'link', type: '2', linkName: '/etc/passwd' },
        { name: 'blobs/sha256/../../../../x', content: 'x' },
      ]);
      await assert.rejects(loadArchive(store, stream(archive), { signal: signal() }), /has no/);
    }
    const layout = path.join(base, 'layout');
    for (const { name, content } of ociMembers({ layers: [layer], names: ['a:1'] })) {
      mkdirSync(path.dirname(path.join(layout, name)), { recursive: true });
      writeFileSync(path.join(layout, name), content ?? '');
    }
    const [blob = ''] = readdirSync(path.join(layout, 'blobs/sha256'));
    const target = path.join(base, 'secret');
    writeFileSync(target, readFileSync(path.join(layout, 'blobs/sha256', blob)));
    rmSync(path.join(layout, 'blobs/sha256', blob));
    symlinkSync(target, path.join(layout, 'blobs/sha256', blob));
    await assert.rejects(loadLayout(store, layout, { signal: signal() }));
    assertNothing();
  });

  it('cannot put its labels and annotations among our own records (CVE-2026-53488)', async () => {
    const config = {
      Labels: { 'io.skiff.rootfs': 'host', owner: '/run', __proto__: { rootfs: 1 } },
      Env: ['A=1'],
      rootfs: { kind: 'host' },
      User: '5',
    };
    registry.push('app', '1', { layers: [layer], config });
    const { id } = await pull();
    const file = path.join(store.folder, 'images', `${id.replace('sha256:', '')}.json`);
    const record = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(record).sort(), [
      'blobs',
      'config',
      'id',
      'repoDigests',
      'rootfs',
      'size',
    ]);
    assert.equal(record.rootfs.kind, 'layers');
    assert.doesNotMatch(JSON.stringify(record), /io\.skiff/);
  });

  it('cannot take a name that is built in, or one that is none', async () => {
    for (const name of [
      'skiff/host:latest',
      'docker.io/skiff/x:1',
      'UPPER',
      '../x',
      `a:${'t'.repeat(200)}`,
    ]) {
      const manifest = JSON.stringify([{ Config: 'c', RepoTags: [name], Layers: ['l'] }]);
      const members = ociMembers({ layers: [layer], names: [] });
      const content =
        members.find(
          ({ name: file, content: bytes }) =>
            file.startsWith('blobs/') && String(bytes).includes('rootfs'),
        )?.content ?? '';
      const archive = rawTar([
        { name: 'manifest.json', content: manifest },
        { name: 'c', content },
        { name: 'l', content: layer },
      ]);
      await assert.rejects(
        loadArchive(store, stream(archive), { signal: signal() }),
        /built in|invalid reference/,
        name,
      );
    }
    assertNothing();
  });
});
