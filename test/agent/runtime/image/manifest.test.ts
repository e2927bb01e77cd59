/** Image documents come from strangers: only well-formed ones are taken. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  parseConfig,
  parseDockerManifest,
  parseDocument,
} from '../../../../agent/runtime/image/manifest.ts';
import { chainIdOf } from '../../../../agent/runtime/image/unpack-layer.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const descriptor = { mediaType: '', digest, size: 3 };
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

describe('image documents', () => {
  it('are an index or a manifest', () => {
    assert.equal(parseDocument(json({ manifests: [descriptor] })).kind, 'index');
    assert.equal(parseDocument(json({ config: descriptor, layers: [] })).kind, 'manifest');
  });

  it('are refused when they could be both', () => {
    const both = json({ manifests: [], config: descriptor, layers: [descriptor] });
    assert.throws(() => parseDocument(both), /both/);
  });

  it('are refused when they are not what they are declared to be (CVE-2021-41190)', () => {
    const index = { manifests: [descriptor] };
    const manifest = { config: descriptor, layers: [] };
    for (const [document, declared] of [
      [index, MANIFEST],
      [manifest, INDEX],
      [{ ...index, mediaType: MANIFEST }, ''],
      [{ ...manifest, mediaType: INDEX }, MANIFEST],
      [
        { ...manifest, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' },
        MANIFEST,
      ],
    ] as const) {
      assert.throws(() => parseDocument(json(document), declared), /not what it is declared/);
    }
    assert.equal(parseDocument(json({ ...index, mediaType: INDEX }), 'text/plain').kind, 'index');
  });

  it('of schema 1, and of what is no image, are refused by name', () => {
    const old = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    assert.throws(() => parseDocument(json({ schemaVersion: 1 })), /schema 1/);
    assert.throws(() => parseDocument(json({ fsLayers: [] }), old), /schema 1/);
    const chart = { ...descriptor, mediaType: 'application/vnd.cncf.helm.config.v1+json' };
    assert.throws(() => parseDocument(json({ config: chart, layers: [] })), /not an image.*helm/);
  });

  it('are refused when a digest or size is not one', () => {
    for (const change of [
      { digest: 'sha256:../../x' },
      { digest: 'md5:1' },
      { size: -1 },
      { size: '3' },
    ]) {
      const bad = json({ manifests: [{ ...descriptor, ...change }] });
      assert.throws(() => parseDocument(bad), JSON.stringify(change));
    }
  });

  it('give the configuration without what is not there', () => {
    const parsed = parseConfig(json({ os: 'linux', rootfs: { diff_ids: [digest] } }));
    assert.deepEqual(parsed.config.cmd, []);
    assert.deepEqual(parsed.diffIds, [digest]);
    assert.throws(() => parseConfig(json({ rootfs: {}, config: { Env: [1] } })), /Env/);
    assert.throws(() => parseConfig(json([])), /not an object/);
  });

  it('have a bounded number of layers', () => {
    const many = Array.from({ length: 1000 }, () => digest);
    assert.throws(() => parseConfig(json({ rootfs: { diff_ids: many } })), /at most/);
  });

  it('of docker save name their members', () => {
    const [image] = parseDockerManifest(
      json([{ Config: 'c.json', RepoTags: ['a:1'], Layers: ['l'] }]),
    );
    assert.deepEqual(image, { config: 'c.json', repoTags: ['a:1'], layers: ['l'] });
  });

  it('chain layers by the digest of the parent and the layer', () => {
    const first = chainIdOf(undefined, digest);
    assert.equal(first, '0'.repeat(64));
    assert.match(chainIdOf(first, digest), /^[0-9a-f]{64}$/);
    assert.notEqual(chainIdOf(first, digest), first);
  });
});
