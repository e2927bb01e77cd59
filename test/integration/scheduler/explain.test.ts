/** The scheduler answers why, over HTTPS, to those who may know; and the verbs that ask it. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { issueServingCertificate, writeKubeconfig } from '../../../apiserver/auth/pki.ts';
import { systemClock as clock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { RestClient } from '../../../client/rest-client.ts';
import { nodes, pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import type { PodExplanation, PolicyReport } from '../../../proto/scheduler/explanation.ts';
import { runScheduler } from '../../../scheduler/run-scheduler.ts';
import { eventually } from '../../support/eventually.ts';
import { type CommandResult, runCommand } from '../../support/run-command.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const namespace = 'default';
const SKIFF = path.join(import.meta.dirname, '..', '..', '..', 'skiff');

describe('the scheduler’s answers', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'skiff-explain-'));
  const kubeconfig = path.join(dir, 'kubeconfig');
  const end = new AbortController();
  let server: TestApiServer;
  let client: RestClient;
  let running: Promise<void>;
  let url = '';

  before(async () => {
    server = await startTestApiServer();
    const { ca } = server.pki;
    const nowMs = clock.wallMs();
    const api = `https://127.0.0.1:${server.port}`;
    const user = { user: 'admin', groups: ['system:masters'] };
    await writeKubeconfig(kubeconfig, ca, { server: api, contextName: 'test', ...user, nowMs });
    const admin = server.clientCertificate('admin', ['system:masters']);
    const connection = {
      server: api,
      ca: ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
      namespace,
    };
    client = new RestClient({ connection, clock, userAgent: 'skiff-test' });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount' } as const;
    await client.create(serviceaccounts, { ...account, metadata: { namespace, name: 'default' } });
    for (const name of ['n1', 'n2']) {
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} });
      const allocatable = { cpu: name === 'n1' ? '1' : '2', memory: '8Gi', pods: '20' };
      const patch = { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
      await client.patch(nodes, { name }, 'strategic', patch, { subresource: 'status' });
      // A new node is tainted as not ready until the node controller, which isn't here, sees it.
      await client.patch(nodes, { name }, 'merge', { spec: { taints: null } });
    }
    const policy = path.join(dir, 'mine.ts');
    writeFileSync(
      policy,
      `export const policy = { name: 'mine', plugins: () => [{
        name: 'NotHere', filter: (_s, _p, node) => ({ code: 'Unschedulable', reasons: ['not ' + node.name] }),
      }] };`,
    );
    const serving = await issueServingCertificate(dir, ca, {
      name: 'scheduler',
      sans: ['127.0.0.1'],
      nowMs,
    });
    const listening = Promise.withResolvers<number>();
    running = runScheduler(
      {
        client,
        clock,
        logger: silentLogger,
        tieBreak: { kind: 'first' },
        policies: { files: [policy], seed: 1 },
        server: {
          address: '127.0.0.1',
          port: 0,
          caPem: ca.certificatePem,
          ...serving,
          onListening: ({ port }) => listening.resolve(port),
        },
      },
      end.signal,
    );
    url = `https://127.0.0.1:${await listening.promise}`;
  });
  after(async () => {
    end.abort();
    await running;
    client.close();
    await server.stop();
    rmSync(dir, { recursive: true });
  });

  const create = async (
    name: string,
    cpu: string,
    schedulerName = 'default-scheduler',
  ): Promise<void> => {
    const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu } } }];
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name },
      spec: { schedulerName, containers },
    });
  };
  const decided = (name: string): Promise<void> =>
    eventually(`${name} is decided`, async () => {
      const { status } = await client.get(pods, { namespace, name });
      assert.ok(status.conditions?.some(({ type }) => type === 'PodScheduled'));
    });
  const skiff = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand(SKIFF, [...args, '--scheduler', url, '--kubeconfig', kubeconfig]);

  it('are for masters only; who is not is told so, and nothing else', async () => {
    const ask = (
      route: string,
      who?: { user: string; groups: string[] },
    ): Promise<[number, string]> =>
      new Promise((resolve, reject) => {
        const own = who === undefined ? undefined : server.clientCertificate(who.user, who.groups);
        const identity = own === undefined ? {} : { cert: own.certificatePem, key: own.keyPem };
        const options = { ca: server.pki.ca.certificatePem, agent: false, ...identity };
        const sent = request(`${url}${route}`, options, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
          answer.on('end', () => resolve([answer.statusCode ?? 0, text]));
        });
        sent.on('error', reject).end();
      });
    assert.deepEqual(await ask('/healthz'), [200, 'ok']);
    const pod = '/explain/v1/namespaces/default/pods/p';
    for (const route of [pod, '/policies/v1', '/nothing']) {
      const [nobody, text] = await ask(route);
      assert.deepEqual([nobody, JSON.parse(text).reason], [401, 'Unauthorized']);
      const [other, forbidden] = await ask(route, { user: 'ann', groups: ['developers'] });
      assert.deepEqual([other, JSON.parse(forbidden).reason], [403, 'Forbidden']);
    }
    const master = { user: 'a', groups: ['x', 'system:masters'] };
    const [missing, status] = await ask(pod, master);
    assert.deepEqual([missing, JSON.parse(status).message], [404, 'pods "p" not found']);
    assert.equal((await ask('/nothing', master))[0], 404);
    assert.equal((await ask(`${pod}?limit=x`, master))[0], 400);
  });

  it('skiff why tells why a pod is on its node, and why-not why not on another', async () => {
    await create('small', '500m');
    await decided('small');
    const why = await skiff('why', 'small');
    assert.equal(why.code, 0, why.stderr);
    assert.match(
      why.stdout,
      /^Pod default\/small is on n2 \(profile default-scheduler, decided \d{4}-/,
    );
    assert.match(why.stdout, /2 nodes were scored; n2 won, \d+ ahead of n1\./);
    assert.match(why.stdout, /NODE +TOTAL +TaintToleration x3 .*NodeResourcesFit x1/);
    const whyNot = await skiff('why-not', 'small', 'n1');
    assert.match(whyNot.stdout, /is on n2\. n1 has \d+ points, \d+ less than n2\./);
    assert.match(whyNot.stdout, /NodeResourcesFit +73 +86 +x1 +-13/);
    const { stdout } = await skiff('why', 'small', '-o', 'json');
    const told = JSON.parse(stdout) as PodExplanation;
    assert.deepEqual([told.state, told.nodeName, told.decision?.chosen], ['scheduled', 'n2', 'n2']);
  });

  it('skiff why tells what would let a pending pod run', async () => {
    await create('large', '1800m');
    await decided('large');
    const { stdout } = await skiff('why', 'large');
    assert.match(stdout, /^Pod default\/large has no node \(profile default-scheduler/);
    assert.match(stdout, /0\/2 nodes are available: 2 Insufficient cpu\./);
    assert.match(stdout, /n1 +NodeResourcesFit: Insufficient cpu/);
    assert.match(
      stdout,
      /the easiest first:\n {2}free 300m cpu on n2\n {2}ask for 800m cpu less \(n1/,
    );
    const whyNot = await skiff('why-not', 'large', 'n2');
    assert.match(
      whyNot.stdout,
      /has no node\. n2 turns it down: NodeResourcesFit: Insufficient cpu/,
    );
    assert.match((await skiff('why-not', 'large', 'n9')).stderr, /there is no node "n9"/);
  });

  it('knows what a policy’s own filters said', async () => {
    await create('picky', '100m', 'mine');
    await decided('picky');
    const { stdout } = await skiff('why', 'picky');
    assert.match(stdout, /profile mine/);
    assert.match(stdout, /0\/2 nodes are available: 1 not n1, 1 not n2\./);
    assert.match(stdout, /n1 +NotHere: not n1\n/);
    assert.match(stdout, /No small change is known/);
  });

  it('skiff policy ls lists the policies', async () => {
    const { stdout } = await skiff('policy', 'ls');
    assert.match(
      stdout,
      /^NAME +STATE +DECISIONS +STOPS +FILE +PROBLEM\nmine +running +1 +0 +\/.*mine\.ts/,
    );
    const json = JSON.parse((await skiff('policy', 'ls', '-o', 'json')).stdout) as {
      items: PolicyReport[];
    };
    assert.equal(json.items[0]?.name, 'mine');
  });

  it('a scheduler that is not there is one line that says what to do', async () => {
    const options = ['--scheduler', 'https://127.0.0.1:1', '--kubeconfig', kubeconfig];
    const { code, stderr } = await runCommand(SKIFF, ['policy', 'ls', ...options]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: the scheduler does not answer at https:\/\/127\.0\.0\.1:1: .*--secure-port.*\n$/,
    );
  });
});

describe('skiff policy new', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'skiff-policy-new-'));
  after(() => rmSync(dir, { recursive: true }));
  const create = (name: string): Promise<CommandResult> =>
    runCommand(SKIFF, ['policy', 'new', name, '--dir', path.join(dir, 'mine')]);

  it('writes a policy with a test that passes, and overwrites nothing', async () => {
    const made = await create('my-first');
    assert.equal(made.code, 0, made.stderr);
    const test = path.join(dir, 'mine', 'my-first.test.ts');
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const run = await runCommand(process.execPath, ['--test', test], { env });
    assert.match(run.stdout, /pass 2/, run.stdout + run.stderr);
    assert.match(run.stdout, /fail 0/);
    writeFileSync(path.join(dir, 'mine', 'my-first.ts'), '// mine\n');
    const again = await create('my-first');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /my-first\.ts is there already: nothing was written/);
    assert.equal((await create('my-second')).code, 0);
    assert.match((await create('My_Policy')).stderr, /is no name for a policy/);
  });

  it('writes what the compiler takes, with the types of the scheduler', async () => {
    await create('typed');
    const tsc = path.join(import.meta.dirname, '..', '..', '..', 'node_modules', '.bin', 'tsc');
    const file = path.join(dir, 'mine', 'typed.ts');
    const check = (): Promise<CommandResult> =>
      runCommand(tsc, ['--noEmit', '-p', path.join(dir, 'mine')], { timeoutMs: 120_000 });
    writeFileSync(path.join(dir, 'mine', 'my-first.ts'), 'export const policy = { name: "a" };\n');
    const { stdout } = await check();
    assert.ok(!stdout.includes('typed.ts'), stdout);
    writeFileSync(
      file,
      `import type { Policy } from 'skiff/policy';\nexport const policy: Policy = { nme: 'x' };\n`,
    );
    assert.match((await check()).stdout, /typed\.ts\(2,\d+\): error TS/);
  });
});
