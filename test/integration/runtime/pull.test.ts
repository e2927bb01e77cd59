/** Pulls from a registry on loopback that does what real and hostile ones do. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ImagePuller } from '../../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../../agent/runtime/image/image-store.ts';
import { MergedTree } from '../../../agent/runtime/image/merged-tree.ts';
import type { PullProgress } from '../../../agent/runtime/image/pull-image.ts';
import { parseReference } from '../../../agent/runtime/image/reference.ts';
import { ANONYMOUS, type Credentials } from '../../../agent/runtime/image/registry/credentials.ts';
import { readRegistryConfig } from '../../../agent/runtime/image/registry/read-config.ts';
import { systemClock } from '../../../base/clock.ts';
import { type Compression, digest, tar } from '../../support/archives.ts';
import {
  cuttingHook,
  FakeRegistry,
  noise,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../support/fake-registry.ts';

const MACHINE = process.arch === 'x64' ? 'amd64' : process.arch;

describe('pulling an image', () => {
  let base: string;
  let store: ImageStore;
  let registry: FakeRegistry;
  let layers: readonly Buffer[];

  beforeEach(async () => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-pull-'));
    store = new ImageStore(path.join(base, 'images'), 'one', systemClock);
    registry = new FakeRegistry();
    await registry.start();
    configure({ [registry.host]: { plainHttp: true } });
    layers = [
      await tar([{ name: 'bin/tool', content: noise(300_000), mode: 0o755 }]),
      await tar([{ name: 'etc/x', content: noise(200_000) }]),
      await tar([{ name: 'etc/y', content: 'y' }]),
    ];
  });
  afterEach(async () => {
    await registry.stop();
    rmSync(base, { recursive: true, force: true });
  });

  function configure(registries: object): void {
    writeFileSync(path.join(base, 'registries.yaml'), JSON.stringify({ registries }));
  }

  function newPuller(idleMs = 20_000): ImagePuller {
    const config = () => readRegistryConfig(path.join(base, 'registries.yaml'));
    return new ImagePuller({ store, clock: systemClock, config, idleMs });
  }

  function pull(
    reference: string,
    options: {
      readonly credentials?: Credentials;
      readonly signal?: AbortSignal;
      readonly puller?: ImagePuller;
      readonly onProgress?: (layer: PullProgress) => void;
    } = {},
  ) {
    const parsed = parseReference(reference);
    assert.ok(parsed.kind === 'name', reference);
    const { puller = newPuller(), ...rest } = options;
    return puller.pull({
      name: parsed.name,
      credentials: ANONYMOUS,
      signal: AbortSignal.timeout(30_000),
      ...rest,
    });
  }

  function assertWhole(reference: string): void {
    const image = store.find(reference);
    assert.ok(image !== undefined);
    const tree = new MergedTree(store.lowerFolders(image));
    assert.equal(tree.resolve('bin/tool', true).entry?.stats.size, 300_000);
    assert.equal(tree.resolve('etc/x', true).entry?.stats.size, 200_000);
    assert.deepEqual(readdirSync(path.join(store.folder, 'partial')), []);
    assert.deepEqual(readdirSync(path.join(store.folder, 'work')), []);
  }

  const asked = (part: string) => registry.asked.filter((one) => one.path.includes(part));

  for (const compression of ['none', 'gzip', 'zstd'] as const satisfies Compression[]) {
    it(`by tag, with layers compressed by ${compression}, tells its progress`, async () => {
      const manifest = registry.push('team/app', '1', { layers, compression });
      const states = new Map<string, string[]>();
      const onProgress = ({ digest: layer, state }: PullProgress): void => {
        const seen = states.get(layer) ?? [];
        if (seen.at(-1) !== state) states.set(layer, [...seen, state]);
      };
      const image = await pull(`${registry.host}/team/app:1`, { onProgress });
      const found = store.find(`${registry.host}/team/app:1`);
      assert.equal(found?.id, image.id);
      assert.deepEqual(found?.repoTags, [`${registry.host}/team/app:1`]);
      assert.deepEqual(found?.repoDigests, [`${registry.host}/team/app@${manifest}`]);
      assertWhole(`${registry.host}/team/app@${manifest}`);
      const expected = ['waiting', 'downloading', 'downloaded', 'unpacked'];
      assert.deepEqual([...states.values()], [expected, expected, expected]);
    });
  }

  it('from an index takes the manifest for this machine, and keeps the digest of the index', async () => {
    const ours = registry.makeManifest({ layers });
    const other = registry.makeManifest({ layers: layers.slice(0, 1) });
    const entry = (value: object, architecture: string, variant?: string) => ({
      mediaType: OCI_MANIFEST,
      digest: registry.putManifest('app', [], value, OCI_MANIFEST),
      size: JSON.stringify(value).length,
      platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
    });
    const index = {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [entry(other, 's390x'), entry(other, MACHINE, 'v99'), entry(ours, MACHINE)],
    };
    const name = registry.putManifest('app', ['2'], index, OCI_INDEX);
    await pull(`${registry.host}/app:2`);
    assertWhole(`${registry.host}/app:2`);
    assert.deepEqual(store.find(`${registry.host}/app:2`)?.repoDigests, [
      `${registry.host}/app@${name}`,
    ]);
    registry.putManifest('app', ['3'], { ...index, manifests: [entry(other, 's390x')] }, OCI_INDEX);
    await assert.rejects(pull(`${registry.host}/app:3`), { kind: 'not-found' });
  });

  it('by digest gives it no tag, and refuses another manifest than that', async () => {
    const manifest = registry.push('app', '1', { layers });
    await pull(`${registry.host}/app@${manifest}`);
    assert.deepEqual(store.find(`${registry.host}/app@${manifest}`)?.repoTags, []);
    const wanted = digest(Buffer.from('other'));
    const found = registry.manifests.get('app/manifests/1');
    assert.ok(found !== undefined);
    registry.manifests.set(`app/manifests/${wanted}`, found);
    await assert.rejects(pull(`${registry.host}/app@${wanted}`), /was declared/);
  });

  it('that is here under another name is one image with both names, and fetches no blob again', async () => {
    registry.push('app', '1', { layers });
    registry.push('app', '2', { layers });
    await pull(`${registry.host}/app:1`);
    const before = asked('/blobs/').length;
    await pull(`${registry.host}/app:2`);
    assert.equal(asked('/blobs/').length, before);
    assert.equal(store.find(`${registry.host}/app:1`)?.repoTags.length, 2);
  });

  it('goes on where a connection was cut, at any byte', async () => {
    registry.push('app', '1', { layers });
    for (const seed of ['1', '2', '3', '4', '5', '6']) {
      const cutting = cuttingHook(registry, seed, 4);
      registry.hook = cutting.hook;
      await pull(`${registry.host}/app:1`);
      assert.equal(cutting.cuts(), 4);
      assertWhole(`${registry.host}/app:1`);
      store.remove(`${registry.host}/app:1`);
      assert.deepEqual(readdirSync(path.join(store.folder, 'blobs/sha256')), []);
      assert.deepEqual(readdirSync(path.join(store.folder, 'layers')), []);
    }
    assert.ok(registry.asked.some(({ range }) => range !== undefined));
  });

  it('is resumed by the next pull after it was given up', async () => {
    registry.push('app', '1', { layers });
    const half = cuttingHook(registry, 'a', 1);
    const controller = new AbortController();
    registry.hook = async (request, response) => {
      if (!(await half.hook(request, response))) return false;
      return true;
    };
    const onProgress = ({ bytes }: PullProgress): void => {
      if (bytes > 60_000) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    await assert.rejects(pull(`${registry.host}/app:1`, { signal, onProgress }), /enough/);
    await store.hold(AbortSignal.timeout(10_000), async () => undefined);
    assert.equal(store.find(`${registry.host}/app:1`), undefined);
    await pull(`${registry.host}/app:1`);
    assertWhole(`${registry.host}/app:1`);
  });

  it('starts anew when what is there is not the beginning of the blob', async () => {
    registry.push('app', '1', { layers });
    const [blob = ''] = [...registry.blobs.keys()].slice(1);
    const partial = path.join(store.folder, 'partial', blob.replace('sha256:', ''));
    writeFileSync(partial, 'something else');
    await pull(`${registry.host}/app:1`);
    assertWhole(`${registry.host}/app:1`);
  });

  it('with another blob or size than declared is refused, and leaves nothing of it', async () => {
    registry.push('app', '1', { layers });
    const [, name = ''] = [...registry.blobs.keys()];
    const right = registry.blobs.get(name) ?? Buffer.alloc(0);
    const wrong = Buffer.from(right);
    wrong.writeUInt8(wrong.readUInt8(100) ^ 1, 100);
    for (const [bytes, expected] of [
      [wrong, /was declared/],
      [Buffer.concat([right, right]), /more than its/],
    ] as const) {
      registry.blobs.set(name, bytes);
      await assert.rejects(pull(`${registry.host}/app:1`), { kind: 'invalid', message: expected });
      assert.equal(store.blobs.has(name), false);
    }
    registry.blobs.set(name, right);
    await pull(`${registry.host}/app:1`);
    assertWhole(`${registry.host}/app:1`);
  });

  it('gives up a registry that sends nothing, after some tries', async () => {
    registry.push('app', '1', { layers });
    registry.hook = (request) => request.url?.includes('/blobs/') === true;
    const puller = newPuller(100);
    await assert.rejects(pull(`${registry.host}/app:1`, { puller }), {
      kind: 'unavailable',
      message: /no progress for 0.1 s/,
    });
    registry.hook = () => false;
    await pull(`${registry.host}/app:1`, { puller });
    assertWhole(`${registry.host}/app:1`);
  });

  it('asks again when the registry is busy', async () => {
    registry.push('app', '1', { layers });
    let busy = 3;
    registry.hook = (_request, response) => {
      busy -= 1;
      if (busy < 0) return false;
      response.statusCode = busy === 1 ? 429 : 503;
      response.end();
      return true;
    };
    const image = registry.host;
    await assert.rejects(pull(`${image}/app:1`), { kind: 'unavailable', message: /answered 503/ });
    await pull(`${image}/app:1`);
  });

  it('is done once for all who want the same at once', async () => {
    registry.push('app', '1', { layers });
    const puller = newPuller();
    const gone = new AbortController();
    const pulls = [1, 2, 3].map(() => pull(`${registry.host}/app:1`, { puller }));
    const early = pull(`${registry.host}/app:1`, { puller, signal: gone.signal });
    gone.abort(new Error('gone'));
    await assert.rejects(early, /gone/);
    const images = await Promise.all(pulls);
    assert.equal(new Set(images.map(({ id }) => id)).size, 1);
    assert.equal(asked('/manifests/').length, 1);
    assert.equal(asked('/blobs/').length, 4);
  });

  it('is done once for two runtimes on the same store', async () => {
    registry.push('app', '1', { layers });
    await Promise.all([pull(`${registry.host}/app:1`), pull(`${registry.host}/app:1`)]);
    assert.equal(asked('/blobs/').length, 4);
    assertWhole(`${registry.host}/app:1`);
  });

  it('by HTTP is not tried unless it is configured', async () => {
    registry.push('app', '1', { layers });
    configure({});
    await assert.rejects(pull(`${registry.host}/app:1`), { kind: 'unavailable' });
    assert.deepEqual(registry.asked, []);
  });

  it('asks the mirrors first, then the registry, without credentials for the mirrors', async () => {
    const mirror = new FakeRegistry();
    await mirror.start();
    try {
      registry.push('app', '1', { layers });
      mirror.push('app', '2', { layers });
      configure({
        [registry.host]: { plainHttp: true, mirrors: ['http://127.0.0.1:1', mirror.url] },
      });
      const credentials: Credentials = { kind: 'registry-token', token: 'secret' };
      await pull(`${registry.host}/app:1`, { credentials });
      assert.equal(asked('/manifests/').length, 1);
      assert.ok(mirror.asked.every(({ authorization }) => authorization === undefined));
      assert.ok(mirror.asked.every(({ ns }) => ns === registry.host));
      assert.equal(registry.asked[0]?.authorization, 'Bearer secret');
      registry.asked.length = 0;
      await pull(`${registry.host}/app:2`);
      assert.equal(registry.asked.length, 0);
    } finally {
      await mirror.stop();
    }
  });

  it('of what does not exist says so', async () => {
    await assert.rejects(pull(`${registry.host}/app:1`), {
      kind: 'not-found',
      message: 'MANIFEST_UNKNOWN: unknown',
    });
    await assert.rejects(pull('skiff/host:1'), /built in/);
  });
});
