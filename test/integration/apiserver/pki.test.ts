import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  ensureClusterPki,
  issueServingCertificate,
  writeKubeconfig,
} from '../../../apiserver/auth/pki.ts';

describe('ensureClusterPki', () => {
  let dir = '';
  beforeEach(async () => {
    dir = path.join(await mkdtemp(path.join(os.tmpdir(), 'skt-server-pki-')), 'pki');
  });
  afterEach(() => rm(path.dirname(dir), { recursive: true }));

  const options = { sans: ['10.0.0.1', 'api.example'], nowMs: Date.now() };

  it('makes all files, for their owner only', async () => {
    const pki = await ensureClusterPki(dir, options);
    await issueServingCertificate(dir, pki.ca, {
      name: 'n1',
      sans: ['10.0.0.2'],
      nowMs: Date.now(),
    });
    await writeKubeconfig(path.join(dir, 'admin.kubeconfig'), pki.ca, {
      user: 'admin',
      groups: ['system:masters'],
      server: 'https://10.0.0.1:6443',
      contextName: 'lab',
      nowMs: Date.now(),
    });
    const names = (await readdir(dir)).sort();
    assert.deepEqual(names, [
      'admin.kubeconfig',
      'apiserver-kubelet-client.crt',
      'apiserver-kubelet-client.key',
      'apiserver.crt',
      'apiserver.key',
      'ca.crt',
      'ca.key',
      'n1.crt',
      'n1.key',
      'sa.key',
      'sa.pub',
    ]);
    for (const name of names) {
      assert.equal((await stat(path.join(dir, name))).mode & 0o777, 0o600, name);
    }
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
  });

  it('keeps what is there', async () => {
    const first = await ensureClusterPki(dir, options);
    assert.deepEqual(await ensureClusterPki(dir, options), first);
  });

  it('makes a new server certificate for new names, with the same authority', async () => {
    const first = await ensureClusterPki(dir, options);
    const second = await ensureClusterPki(dir, { ...options, sans: ['10.0.0.9'] });
    assert.deepEqual(second.ca, first.ca);
    assert.notEqual(second.apiserver.certificatePem, first.apiserver.certificatePem);
  });

  it('finishes what was interrupted', async () => {
    const first = await ensureClusterPki(dir, options);
    await rm(path.join(dir, 'apiserver.crt'));
    const second = await ensureClusterPki(dir, options);
    assert.notEqual(second.apiserver.keyPem, first.apiserver.keyPem);
    const file = await readFile(path.join(dir, 'apiserver.crt'), 'utf8');
    assert.equal(file, second.apiserver.certificatePem);
  });
});
