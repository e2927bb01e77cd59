/** Who is shown credentials, and which: token servers, passwords, redirects. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ImagePuller } from '../../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../../agent/runtime/image/image-store.ts';
import { parseReference } from '../../../agent/runtime/image/reference.ts';
import { ANONYMOUS, type Credentials } from '../../../agent/runtime/image/registry/credentials.ts';
import {
  EMPTY_CONFIG,
  withPlainHttp,
} from '../../../agent/runtime/image/registry/registry-config.ts';
import { systemClock } from '../../../base/clock.ts';
import { tar } from '../../support/archives.ts';
import { FakeRegistry, type Hook, noise } from '../../support/fake-registry.ts';

const ANN: Credentials = { kind: 'password', username: 'ann', password: 's:cret' };
const ANN_BASIC = `Basic ${Buffer.from('ann:s:cret').toString('base64')}`;

describe('the credentials of a pull', () => {
  let base: string;
  let store: ImageStore;
  let registry: FakeRegistry;
  let other: FakeRegistry;

  beforeEach(async () => {
    base = mkdtempSync(path.join(tmpdir(), 'skt-auth-'));
    store = new ImageStore(path.join(base, 'images'), 'one', systemClock);
    registry = new FakeRegistry();
    other = new FakeRegistry();
    await Promise.all([registry.start(), other.start()]);
    const layers = [
      await tar([{ name: 'a', content: noise(5_000) }]),
      await tar([{ name: 'b', content: noise(5_000) }]),
    ];
    registry.push('team/app', '1', { layers });
  });
  afterEach(async () => {
    await Promise.all([registry.stop(), other.stop()]);
    rmSync(base, { recursive: true, force: true });
  });

  function pull(credentials: Credentials, domain = registry.host) {
    const parsed = parseReference(`${domain}/team/app:1`);
    assert.ok(parsed.kind === 'name');
    const config = () => withPlainHttp(EMPTY_CONFIG, domain);
    const puller = new ImagePuller({ store, clock: systemClock, config, idleMs: 10_000 });
    const signal = AbortSignal.timeout(30_000);
    return puller.pull({ name: parsed.name, credentials, signal });
  }

  interface TokenRequest {
    readonly method: string;
    readonly query: string;
    readonly form: string;
    readonly authorization: string | undefined;
  }

  /** The other registry gives tokens, each of which is good for `uses` requests. */
  function useTokens(options: {
    readonly uses: number;
    readonly isRight: (r: TokenRequest) => boolean;
  }) {
    const requests: TokenRequest[] = [];
    const left = new Map<string, number>();
    other.hook = async (request, response) => {
      const { method = '', headers } = request;
      const query = new URL(request.url ?? '', other.url).searchParams.toString();
      const form = await textOf(request);
      const made = { method, query, form, authorization: headers.authorization };
      requests.push(made);
      if (!options.isRight(made)) {
        response.statusCode = 401;
        response.end();
        return true;
      }
      const token = `token-${requests.length}`;
      left.set(`Bearer ${token}`, options.uses);
      response.end(JSON.stringify({ token, expires_in: 60 }));
      return true;
    };
    registry.hook = (request, response) => {
      const header = request.headers.authorization ?? '';
      const count = left.get(header) ?? 0;
      left.set(header, count - 1);
      if (count > 0) return false;
      response.statusCode = 401;
      const scope = 'repository:team/app:pull';
      const realm = `realm="${other.url}/token",service="test",scope="${scope}"`;
      response.setHeader('www-authenticate', `Bearer ${realm}`);
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
      return true;
    };
    return requests;
  }

  it('are not needed where a token is given to anybody', async () => {
    const requests = useTokens({ uses: 100, isRight: () => true });
    await pull(ANONYMOUS);
    assert.deepEqual(requests, [
      {
        method: 'GET',
        query: 'service=test&scope=repository%3Ateam%2Fapp%3Apull',
        form: '',
        authorization: undefined,
      },
    ]);
  });

  it('are changed for a token, and again when it has run out', async () => {
    const isRight = ({ authorization }: TokenRequest) => authorization === ANN_BASIC;
    const requests = useTokens({ uses: 1, isRight });
    await pull(ANN);
    assert.ok(requests.length >= 3);
    assert.ok(registry.asked.every(({ authorization }) => authorization !== ANN_BASIC));
  });

  it('as an identity token are posted, and as a registry token are sent as they are', async () => {
    const isRight = ({ form }: TokenRequest) => form.includes('refresh_token=refresh-me');
    const requests = useTokens({ uses: 100, isRight });
    await pull({ kind: 'identity-token', token: 'refresh-me' });
    assert.equal(requests[0]?.method, 'POST');
    assert.match(requests[0]?.form ?? '', /grant_type=refresh_token&.*scope=repository/);
    store.remove(`${registry.host}/team/app:1`);
    registry.asked.length = 0;
    registry.hook = () => false;
    await pull({ kind: 'registry-token', token: 'as-it-is' });
    assert.ok(registry.asked.every(({ authorization }) => authorization === 'Bearer as-it-is'));
  });

  it('that are wrong are told from what is not there', async () => {
    useTokens({ uses: 100, isRight: () => false });
    await assert.rejects(pull(ANN), { kind: 'unauthorized', message: /failed to fetch token/ });
    registry.hook = basic('Basic other');
    await assert.rejects(pull(ANN), { kind: 'unauthorized', message: /pull access denied/ });
    await assert.rejects(pull(ANONYMOUS), { kind: 'unauthorized' });
    registry.hook = (_request, response) => {
      response.statusCode = 403;
      response.end();
      return true;
    };
    await assert.rejects(pull(ANN), { kind: 'unauthorized', message: /insufficient_scope/ });
    assert.equal(store.list().length, 1);
  });

  it('by password go to the registry that asks for them', async () => {
    registry.hook = basic(ANN_BASIC);
    await pull(ANN);
  });

  it('never follow a redirect to another host (CVE-2020-15157)', async () => {
    for (const [name, blob] of registry.blobs) other.blobs.set(name, blob);
    const wants = basic(ANN_BASIC);
    registry.hook = (request, response) => {
      const refused = wants(request, response);
      if (refused !== false || request.url?.includes('/blobs/') !== true) return refused;
      response.statusCode = 307;
      response.setHeader('location', `${other.url}${request.url}`);
      response.end();
      return true;
    };
    await pull(ANN);
    assert.equal(other.asked.length, 3);
    assert.ok(other.asked.every(({ authorization }) => authorization === undefined));
  });

  it('are not given to a host that asks for them after a redirect', async () => {
    other.hook = basic(ANN_BASIC);
    registry.hook = (request, response) => {
      if (request.url?.includes('/blobs/') !== true) return false;
      response.statusCode = 302;
      response.setHeader('location', `${other.url}${request.url}`);
      response.end();
      return true;
    };
    await assert.rejects(pull(ANN), { kind: 'unauthorized' });
    assert.ok(other.asked.every(({ authorization }) => authorization === undefined));
  });

  it('and the layer URLs of a manifest are not followed at all', async () => {
    const manifest = registry.makeManifest({ layers: [await tar([{ name: 'x', content: 'y' }])] });
    const { layers } = manifest as {
      layers: { digest: string; urls?: string[]; mediaType: string }[];
    };
    for (const layer of layers) {
      layer.urls = [`${other.url}/leak`];
      layer.mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
      registry.blobs.delete(layer.digest);
    }
    registry.putManifest(
      'team/app',
      ['1'],
      manifest,
      (manifest as { mediaType: string }).mediaType,
    );
    await assert.rejects(pull(ANN), { kind: 'not-found' });
    assert.deepEqual(other.asked, []);
  });

  it('end with a registry that redirects in circles', async () => {
    registry.hook = (request, response) => {
      response.statusCode = 302;
      response.setHeader('location', request.url ?? '');
      response.end();
      return true;
    };
    await assert.rejects(pull(ANN), { kind: 'invalid', message: /redirects without an end/ });
  });

  it('are not sent by a token server that answers without end', async () => {
    useTokens({ uses: 1, isRight: () => true });
    other.hook = (_request, response) => {
      response.end(Buffer.alloc(2 * 2 ** 20, 0x20));
      return true;
    };
    await assert.rejects(pull(ANN), { message: /more than 1048576 bytes/ });
  });
});

/** Asks everybody else for a password. */
function basic(right: string): Hook {
  return (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (request.headers.authorization === right) return false;
    response.statusCode = 401;
    response.setHeader('www-authenticate', 'Basic realm="test"');
    response.end();
    return true;
  };
}
