/** Bad input: a clear Status of the right code, and nothing stored. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { RestClient } from '../../client/rest-client.ts';
import type { KubernetesList } from '../../proto/api/meta.ts';
import { ApiError } from '../../proto/api/status-error.ts';
import { TestLab } from '../support/test-lab.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

describe('bad input', () => {
  const lab = new TestLab();
  let client: RestClient;

  before(async () => {
    await lab.up('--nodes', '1');
    const connection = await loadKubeconfig(lab.kubeconfig);
    client = new RestClient({ connection, clock: systemClock, userAgent: 'test' });
  });
  after(() => lab.down());

  async function refusal(method: string, path: string, body?: unknown): Promise<ApiError> {
    try {
      await client.request(method, path, body);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    throw new Error(`${method} ${path} was not refused`);
  }

  async function names(): Promise<readonly string[]> {
    const list = (await client.request('GET', CONFIG_MAPS)) as KubernetesList<{
      metadata: { name: string };
    }>;
    // A controller makes this one at its own time.
    const names = list.items.map(({ metadata }) => metadata.name);
    return names.filter((name) => name !== 'kube-root-ca.crt');
  }

  const map = (name: string, rest: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...rest,
  });

  const cases: readonly {
    readonly what: string;
    readonly path: string;
    readonly body: unknown;
    readonly code: number;
    readonly reason: string;
    readonly message: RegExp;
  }[] = [
    {
      what: 'an unknown field, when it is to be strict',
      path: `${CONFIG_MAPS}?fieldValidation=Strict`,
      body: map('a', { datta: { x: '1' } }),
      code: 400,
      reason: 'BadRequest',
      message: /strict decoding error: unknown field "datta"/,
    },
    {
      what: 'a wrong type',
      path: CONFIG_MAPS,
      body: map('a', { data: { x: 1 } }),
      code: 400,
      reason: 'BadRequest',
      message:
        /ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap\.data of type string/,
    },
    {
      what: 'a name that is too long',
      path: CONFIG_MAPS,
      body: map('x'.repeat(254)),
      code: 422,
      reason: 'Invalid',
      message: /metadata\.name: Invalid value: "x+": must be no more than 253 (characters|bytes)/,
    },
    {
      what: 'a name with other characters',
      path: CONFIG_MAPS,
      body: map('No_Good'),
      code: 422,
      reason: 'Invalid',
      message:
        /metadata\.name: Invalid value: "No_Good": a lowercase RFC 1123 subdomain must consist of/,
    },
    {
      what: 'another kind than the path says',
      path: CONFIG_MAPS,
      body: { ...map('a'), kind: 'Secret' },
      code: 400,
      reason: 'BadRequest',
      message: /Secret/,
    },
    {
      what: 'another namespace than the path says',
      path: CONFIG_MAPS,
      body: { ...map('a'), metadata: { name: 'a', namespace: 'kube-system' } },
      code: 400,
      reason: 'BadRequest',
      message:
        /the namespace of the provided object does not match the namespace sent on the request/,
    },
    {
      what: 'a pod without containers',
      path: '/api/v1/namespaces/default/pods',
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] } },
      code: 422,
      reason: 'Invalid',
      message: /Pod "p" is invalid: spec\.containers: Required value/,
    },
    {
      what: 'a namespace that is not there',
      path: '/api/v1/namespaces/nowhere/configmaps',
      body: map('a'),
      code: 404,
      reason: 'NotFound',
      message: /^namespaces "nowhere" not found$/,
    },
  ];
  for (const { what, path, body, code, reason, message } of cases) {
    it(`refuses ${what}`, async () => {
      const before = await names();
      const error = await refusal('POST', path, body);
      assert.equal(error.code, code, error.message);
      assert.equal(error.reason, reason);
      assert.match(error.message, message);
      assert.equal(error.status.kind, 'Status');
      assert.equal(error.status.status, 'Failure');
      assert.deepEqual(await names(), before);
    });
  }

  it('refuses a request over 3 MiB with 413', async () => {
    const body = map('big', { data: { x: 'y'.repeat(3 * 1024 * 1024) } });
    const error = await refusal('POST', CONFIG_MAPS, body);
    assert.equal(error.code, 413);
    assert.equal(error.reason, 'RequestEntityTooLarge');
    assert.ok(!(await names()).includes('big'));
  });

  it('refuses an update of what has changed meanwhile', async () => {
    const first = (await client.request(
      'POST',
      CONFIG_MAPS,
      map('c', { data: { n: '1' } }),
    )) as object;
    await client.request('PUT', `${CONFIG_MAPS}/c`, { ...first, data: { n: '2' } });
    const error = await refusal('PUT', `${CONFIG_MAPS}/c`, { ...first, data: { n: '3' } });
    assert.equal(error.code, 409);
    assert.equal(
      error.message,
      'Operation cannot be fulfilled on configmaps "c": the object has been modified; please apply your changes to the latest version and try again',
    );
    const current = (await client.request('GET', `${CONFIG_MAPS}/c`)) as { data: { n: string } };
    assert.equal(current.data.n, '2');
  });

  it('refuses bad YAML by its place', async () => {
    const { code, stderr } = await lab.run('./skiff', ['apply', '-f', '-'], {
      input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a\n',
    });
    assert.equal(code, 1);
    assert.match(stderr, /standard input: not valid YAML/);
  });

  it('refuses whoever does not say who they are', async () => {
    const { server, ca } = await loadKubeconfig(lab.kubeconfig);
    const stranger = new RestClient({
      connection: { server, namespace: 'default', ...(ca && { ca }) },
      clock: systemClock,
      userAgent: 'test',
    });
    await assert.rejects(stranger.request('GET', CONFIG_MAPS), (error: ApiError) => {
      assert.equal(error.code, 401);
      assert.equal(error.reason, 'Unauthorized');
      return true;
    });
  });
});
