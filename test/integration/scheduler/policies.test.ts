/** Policies in a running scheduler with a real API server: good ones, bad ones, and new versions. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { systemClock as clock } from '../../../base/clock.ts';
import { type Logger, silentLogger } from '../../../base/logger.ts';
import { RestClient } from '../../../client/rest-client.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { events, nodes, pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import { runScheduler } from '../../../scheduler/run-scheduler.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

const namespace = 'default';
/** Deadlines for a busy machine; small memory, so that a leak is soon found. */
const LIMITS = { startMs: 60_000, answerMs: 2_000, heapMebibytes: 64, externalMebibytes: 64 };

/** A policy that puts every pod on one node. */
const choosing = (node: string, more = ''): string => `
  import type { Policy } from 'skiff/policy';
  export const policy: Policy = {
    name: 'mine',
    extends: 'filters',
    plugins: () => [{
      name: 'Mine',
      score: (_state, pod, node) => {
        ${more}
        return node.name === '${node}' ? 100 : 0;
      },
    }],
  };`;

describe('policies in a running scheduler', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'skiff-policies-'));
  const file = path.join(dir, 'mine.ts');
  const lines: string[] = [];
  let server: TestApiServer;
  let client: RestClient;
  let stop: (() => Promise<void>) | undefined;
  let made = 0;

  before(async () => {
    server = await startTestApiServer();
    const admin = server.clientCertificate('admin', ['system:masters']);
    const connection = {
      server: `https://127.0.0.1:${server.port}`,
      ca: server.pki.ca.certificatePem,
      cert: admin.certificatePem,
      key: admin.keyPem,
      namespace,
    };
    client = new RestClient({ connection, clock, userAgent: 'skiff-test' });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount' } as const;
    await client.create(serviceaccounts, { ...account, metadata: { namespace, name: 'default' } });
    for (const name of ['n1', 'n2', 'n3']) {
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} });
      const allocatable = { cpu: '64', memory: '256Gi', pods: '500' };
      const patch = { status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] } };
      await client.patch(nodes, { name }, 'strategic', patch, { subresource: 'status' });
      // A new node is tainted as not ready until the node controller, which isn't here, sees it.
      await client.patch(nodes, { name }, 'merge', { spec: { taints: null } });
    }
  });
  afterEach(async () => {
    await stop?.();
    stop = undefined;
    lines.length = 0;
    const { items } = await client.list(pods, { namespace });
    const options = { gracePeriodSeconds: 0 };
    for (const { metadata } of items) {
      await client.delete(pods, { namespace, name: metadata.name }, options);
    }
  });
  after(async () => {
    client.close();
    await server.stop();
    rmSync(dir, { recursive: true });
  });

  const start = (...files: readonly string[]): void => {
    const end = new AbortController();
    const record = (message: string, fields?: object): void =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    const logger: Logger = {
      ...silentLogger,
      info: record,
      warn: record,
      error: record,
      with: () => logger,
    };
    const running = runScheduler(
      {
        client,
        clock,
        logger,
        tieBreak: { kind: 'first' },
        policies: { files, seed: 1, limits: LIMITS },
      },
      end.signal,
    );
    stop = async () => {
      end.abort();
      await running;
    };
  };

  const create = async (
    schedulerName = 'mine',
    labels: Record<string, string> = {},
  ): Promise<string> => {
    made += 1;
    const name = `p${made}`;
    const resources = { requests: { cpu: '10m' } };
    const spec = { schedulerName, containers: [{ name: 'c', image: 'i', resources }] };
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels },
      spec,
    });
    return name;
  };
  const get = (name: string): Promise<Pod> => client.get(pods, { namespace, name });
  const nodeOf = async (name: string): Promise<string> => {
    let node = '';
    await eventually(`${name} has a node`, async () => {
      node = (await get(name)).spec.nodeName ?? '';
      assert.notEqual(node, '', lines.join('\n'));
    });
    return node;
  };
  const eventsOf = async (name: string): Promise<string[]> => {
    const { items } = await client.list(events, {});
    return items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  };
  const expectEvent = (name: string, pattern: RegExp): Promise<void> =>
    eventually(`an event of ${name} matches ${pattern}`, async () => {
      const found = await eventsOf(name);
      assert.ok(
        found.some((text) => pattern.test(text)),
        found.join('\n'),
      );
    });

  it('decides for the pods that name it, and for no others', async () => {
    writeFileSync(file, choosing('n2'));
    start(file);
    const [mine, other] = [await create(), await create('default-scheduler')];
    assert.equal(await nodeOf(mine), 'n2');
    // The default profile's first choice among equal nodes.
    assert.notEqual(await nodeOf(other), 'n2');
    await expectEvent(mine, /^Normal Scheduled: Successfully assigned/);
  });

  it('decides for the default scheduler’s pods when it says so, and prints into the log', async () => {
    writeFileSync(
      file,
      choosing('n3', 'console.log("asked about", pod.pod.metadata.name);').replace(
        "name: 'mine',",
        "name: 'mine', replacesDefault: true,",
      ),
    );
    start(file);
    const name = await create('default-scheduler');
    assert.equal(await nodeOf(name), 'n3');
    await eventually('the line is in the log', async () =>
      assert.ok(
        lines.some((line) => line.includes(`asked about ${name}`)),
        lines.join('\n'),
      ),
    );
  });

  const misbehaviours = [
    [
      'throws',
      'if (pod.pod.metadata.labels?.bad) throw new RangeError("boom");',
      /plugin "Mine" threw RangeError: boom/,
    ],
    [
      'loops for ever',
      'while (pod.pod.metadata.labels?.bad) {}',
      /it took longer than 2 s for a decision/,
    ],
    [
      'takes all memory',
      'const all: unknown[] = []; while (pod.pod.metadata.labels?.bad) all.push(Array.from({ length: 1000 }, () => ({})));',
      /it used more than 64 MiB of memory/,
    ],
    [
      'leaks buffers',
      'if (pod.pod.metadata.labels?.bad) Object.assign(globalThis, { kept: new Uint8Array(1e8) });',
      /it holds buffers of more than 64 MiB/,
    ],
    [
      'ends its thread',
      'if (pod.pod.metadata.labels?.bad) process.exit(3);',
      /it ended its thread \(code 3\)/,
    ],
  ] as const;
  for (const [what, code, why] of misbehaviours) {
    it(`stops one that ${what}, by name; the pod goes to the default profile`, async () => {
      writeFileSync(file, choosing('n2', code));
      start(file);
      assert.equal(await nodeOf(await create()), 'n2');
      const bad = await create('mine', { bad: 'yes' });
      const beside = await create('default-scheduler');
      await nodeOf(beside);
      await nodeOf(bad);
      const reason = new RegExp(`policy "mine" is not at work: .*${why.source}.*default profile`);
      await expectEvent(bad, reason);
      await expectEvent('kube-scheduler', new RegExp(`policy "mine" was stopped: .*${why.source}`));
      // It is started again, and decides again.
      await eventually('the policy is back', async () => {
        const name = await create();
        assert.equal(await nodeOf(name), 'n2');
        assert.deepEqual(
          (await eventsOf(name)).filter((text) => text.startsWith('Warning')),
          [],
        );
      });
    });
  }

  it('a file without a policy stops nobody; put right, its pods are taken up', async () => {
    writeFileSync(file, 'export const nothing = 1;\n');
    start(file);
    const waiting = await create();
    await nodeOf(await create('default-scheduler'));
    await expectEvent('kube-scheduler', /Warning PolicyBroken: .*exports no "policy"/);
    writeFileSync(file, choosing('n3'));
    assert.equal(await nodeOf(waiting), 'n3');
  });

  it('a broken new version leaves the old one at work, and says so', async () => {
    writeFileSync(file, choosing('n2'));
    start(file);
    assert.equal(await nodeOf(await create()), 'n2');
    writeFileSync(file, 'export const policy = {\n  name: : 1\n};\n');
    await expectEvent(
      'kube-scheduler',
      /policy "mine" can't be loaded: .*mine\.ts:2: SyntaxError.*stays at work/,
    );
    assert.equal(await nodeOf(await create()), 'n2');
    writeFileSync(file, choosing('n1'));
    await expectEvent('kube-scheduler', /Normal PolicyReloaded: policy "mine"/);
    assert.equal(await nodeOf(await create()), 'n1');
  });

  it('its plugins take part in binding: they reserve, wait for each other, and are told', async () => {
    writeFileSync(
      file,
      `import type { Policy } from 'skiff/policy';
      export const policy: Policy = {
        name: 'mine',
        plugins: ({ permits }) => {
          const waiting: string[] = [];
          const told = (what: string, pod: { pod: { metadata: { name: string } } }) =>
            console.log(what, pod.pod.metadata.name);
          return [{
            name: 'Pairs',
            reserve: (_s, pod) => { told('reserve', pod); return undefined; },
            unreserve: (_s, pod) => told('unreserve', pod),
            permit: (_s, pod) => {
              waiting.push(pod.pod.metadata.uid);
              if (waiting.length % 2 === 1) return { status: { code: 'Wait', reasons: [] }, timeoutMs: 60_000 };
              for (const uid of waiting) permits.allow(uid, 'Pairs');
              return {};
            },
            preBind: async (_s, pod) => {
              told('preBind', pod);
              const { labels } = pod.pod.metadata;
              return labels?.refuse ? { code: 'Unschedulable', reasons: ['not today'] } : undefined;
            },
            postBind: (_s, pod) => told('postBind', pod),
          }];
        },
      };`,
    );
    start(file);
    const first = await create();
    await nodeOf(await create('default-scheduler'));
    assert.equal((await get(first)).spec.nodeName, undefined, 'It waits for the second one');
    const refused = await create('mine', { refuse: 'yes' });
    await nodeOf(first);
    await expectEvent(refused, /FailedScheduling: not today/);
    const steps = (name: string): string[] =>
      lines.flatMap((line) => new RegExp(`"line":"(\\w+) ${name}"`).exec(line)?.[1] ?? []);
    await eventually('all steps are told', async () => {
      assert.deepEqual(steps(first), ['reserve', 'preBind', 'postBind']);
      assert.deepEqual(steps(refused).slice(0, 3), ['reserve', 'preBind', 'unreserve']);
    });
  });

  it('two policies of one name: the second one is refused, and says why', async () => {
    const other = path.join(dir, 'other.ts');
    writeFileSync(file, choosing('n2'));
    start(file, other);
    writeFileSync(other, choosing('n3'));
    await expectEvent(
      'kube-scheduler',
      /"mine" is the name of the policy of .*(mine|other)\.ts too/,
    );
    await nodeOf(await create());
  });

  it('is loaded anew under load: no pod is lost, none is bound twice', async () => {
    writeFileSync(file, choosing('n1'));
    start(file);
    const names: string[] = [];
    const where = new Map<string, string>();
    for (let round = 0; round < 6; round += 1) {
      writeFileSync(file, choosing(['n2', 'n3', 'n1'][round % 3] ?? '', `/* ${round} */`));
      const created = Array.from({ length: 25 }, () => create());
      names.push(...(await Promise.all(created)));
    }
    await eventually('every pod has a node', async () => {
      const { items } = await client.list(pods, { namespace });
      for (const { metadata, spec } of items) {
        if (spec.nodeName === undefined) continue;
        assert.equal(where.get(metadata.name) ?? spec.nodeName, spec.nodeName, 'It stays there');
        where.set(metadata.name, spec.nodeName);
      }
      assert.equal(where.size, names.length, lines.slice(-5).join('\n'));
    });
    const { items } = await client.list(events, {});
    const assigned = items.filter(
      ({ reason, involvedObject }) =>
        reason === 'Scheduled' && names.includes(involvedObject.name ?? ''),
    );
    const counts = assigned.map(
      ({ involvedObject, count }) => `${involvedObject.name} ${count ?? 1}`,
    );
    assert.equal(new Set(counts).size, counts.length, 'An assignment is told once');
    assert.ok(counts.every((text) => text.endsWith(' 1')));
  });
});
