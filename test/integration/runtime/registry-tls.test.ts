/** A registry with HTTPS: whose certificates are trusted, and that nothing falls back to HTTP. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ImagePuller } from '../../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../../agent/runtime/image/image-store.ts';
import { parseReference } from '../../../agent/runtime/image/reference.ts';
import type { Credentials } from '../../../agent/runtime/image/registry/credentials.ts';
import { parseRegistryConfig } from '../../../agent/runtime/image/registry/registry-config.ts';
import { systemClock } from '../../../base/clock.ts';
import { FakeRegistry } from '../../support/fake-registry.ts';
import { rawTar } from '../../support/raw-tar.ts';

const ANN: Credentials = { kind: 'password', username: 'ann', password: 'secret' };

describe('a registry with HTTPS', () => {
  const base = mkdtempSync(path.join(tmpdir(), 'skt-tls-'));
  const caFile = path.join(base, 'cert.pem');
  const plain = new FakeRegistry();
  let registry: FakeRegistry;

  before(async () => {
    const key = path.join(base, 'key.pem');
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
        ...['-nodes', '-keyout', key, '-out', caFile, '-days', '2', '-subj', '/CN=test'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1'],
      ],
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
    registry = new FakeRegistry({ key: readFileSync(key), cert: readFileSync(caFile) });
    await Promise.all([registry.start(), plain.start()]);
    registry.push('app', '1', { layers: [rawTar([{ name: 'a', content: 'a' }])] });
  });
  after(async () => {
    await Promise.all([registry.stop(), plain.stop()]);
    rmSync(base, { recursive: true, force: true });
  });

  function pull(entry: object) {
    const parsed = parseReference(`${registry.host}/app:1`);
    assert.ok(parsed.kind === 'name');
    const text = JSON.stringify({ registries: { [registry.host]: entry } });
    const store = new ImageStore(mkdtempSync(path.join(base, 'images-')), 'one', systemClock);
    const config = () => parseRegistryConfig(text);
    const puller = new ImagePuller({ store, clock: systemClock, config, idleMs: 10_000 });
    const signal = AbortSignal.timeout(30_000);
    return puller.pull({ name: parsed.name, credentials: ANN, signal });
  }

  it('is trusted by the certificate that is configured, and not without', async () => {
    registry.hook = () => false;
    await assert.rejects(pull({}), { kind: 'unavailable', message: /self-signed certificate/ });
    assert.deepEqual(registry.asked, []);
    await pull({ caFile });
    await assert.rejects(pull({ caFile: '/nowhere.pem' }), { message: /nowhere\.pem/ });
    await assert.rejects(pull({ plainHttp: true }), { kind: 'unavailable' });
  });

  it('is the same as a mirror', async () => {
    registry.hook = () => false;
    await pull({ mirrors: [{ url: registry.url, caFile }] });
  });

  it('may not send its pullers, or their passwords, to where there is none', async () => {
    registry.hook = (_request, response) => {
      response.statusCode = 307;
      response.setHeader('location', `${plain.url}/x`);
      response.end();
      return true;
    };
    await assert.rejects(pull({ caFile }), { kind: 'invalid', message: /not HTTPS/ });
    registry.hook = (_request, response) => {
      response.statusCode = 401;
      response.setHeader('www-authenticate', `Bearer realm="${plain.url}/token"`);
      response.end();
      return true;
    };
    await assert.rejects(pull({ caFile }), { kind: 'unauthorized', message: /without HTTPS/ });
    assert.deepEqual(plain.asked, []);
  });
});
