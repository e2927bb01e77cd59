/** HTTP extenders: real requests to a server on loopback, decisions on a snapshot. */

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { bindPod } from '../../../scheduler/bind-pod.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { frameworksOf } from '../../../scheduler/config/frameworks-of.ts';
import { readConfiguration } from '../../../scheduler/config/read-configuration.ts';
import { fitErrorMessage } from '../../../scheduler/diagnosis.ts';
import { decideWithExtenders } from '../../../scheduler/extenders/decide-with-extenders.ts';
import { Extenders } from '../../../scheduler/extenders/extenders.ts';
import { newPostJson } from '../../../scheduler/extenders/post-json.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import type { QueuedPod } from '../../../scheduler/queue/queued-pod.ts';
import type { Decision } from '../../../scheduler/schedule-one.ts';
import { newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

interface Question {
  readonly Pod: Pod;
  readonly NodeNames?: readonly string[];
  readonly Nodes?: { readonly items: readonly { readonly metadata: { readonly name: string } }[] };
  readonly Node?: string;
}

type Answers = Readonly<Record<string, (question: Question) => unknown>>;

describe('extenders', () => {
  let server: Server;
  let answers: Answers = {};
  const asked: string[] = [];
  const { signal } = new AbortController();

  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const verb = (request.url ?? '').slice(1);
        asked.push(verb);
        const answer = answers[verb];
        if (answer === undefined) {
          response.writeHead(500).end('broken');
          return;
        }
        const question = JSON.parse(Buffer.concat(chunks).toString()) as Question;
        response.end(JSON.stringify(answer(question)));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  /** Decides for a pod on three nodes with this extender; `fields` are lines of YAML. */
  async function decideWith(fields: string, pod: Pod, placed: readonly Pod[] = []) {
    const { port } = server.address() as AddressInfo;
    const configuration = readConfiguration(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
extenders:
- urlPrefix: http://127.0.0.1:${port}/
  ${fields.trim().replaceAll('\n', '\n  ')}
`);
    const bound: string[] = [];
    const [framework] = frameworksOf(configuration, {
      client: {
        request: async (_method, path) => {
          bound.push(path);
          return undefined as never;
        },
      },
      peersOf: () => undefined,
      namespaceLabels: () => ({}),
    });
    const cache = new SchedulerCache();
    for (const name of ['n1', 'n2', 'n3']) cache.setNode(newNode(name));
    for (const each of placed) cache.setPod(each);
    const extenders = new Extenders({
      configurations: configuration.extenders,
      post: newPostJson(systemClock),
      logger: silentLogger,
    });
    const info = newPodInfo(pod);
    const options = {
      startIndex: 0,
      percentageOfNodesToScore: 0,
      tieBreak: { kind: 'first' },
    } as const;
    const isInterested = extenders.isInterested(pod);
    const decision = await decideWithExtenders(
      framework,
      cache.snapshot(),
      info,
      options,
      extenders,
      signal,
    );
    const bind = (nodeName: string) => {
      const assumed = {
        framework,
        queued: {} as QueuedPod,
        state: new CycleState(),
        pod: info,
        nodeName,
      };
      return bindPod(assumed, extenders, signal);
    };
    return { decision, isInterested, bind, bound };
  }

  const nodeOf = (decision: Decision): string =>
    decision.kind === 'node' ? decision.nodeName : `no node: ${JSON.stringify(decision)}`;

  it('drop nodes, and say why', async () => {
    answers = {
      filter: ({ Nodes }) => ({
        Nodes: { items: Nodes?.items.filter(({ metadata }) => metadata.name === 'n3') },
        FailedNodes: { n1: 'no licence', n2: 'no licence' },
      }),
    };
    const { decision } = await decideWith('filterVerb: filter', newPod('p'));
    assert.equal(nodeOf(decision), 'n3');
    answers = {
      filter: () => ({
        nodenames: [],
        failedNodes: { n1: 'no licence', n2: 'no licence' },
        failedAndUnresolvableNodes: { n3: 'no room' },
      }),
    };
    const none = await decideWith('filterVerb: filter\nnodeCacheCapable: true', newPod('p'));
    assert.ok(none.decision.kind === 'none');
    assert.deepEqual([...none.decision.diagnosis.rejectedBy], ['Extender']);
    assert.equal(
      fitErrorMessage(none.decision.diagnosis),
      '0/3 nodes are available: 1 no room, 2 no licence. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
    );
  });

  it('give points that count ten times their weight', async () => {
    answers = {
      prioritize: () => [
        { Host: 'n2', Score: 10 },
        { Host: 'n1', Score: 9 },
      ],
    };
    const { decision } = await decideWith('prioritizeVerb: prioritize\nweight: 2', newPod('p'));
    assert.equal(nodeOf(decision), 'n2');
    answers = {};
    const without = await decideWith('prioritizeVerb: prioritize\nweight: 2', newPod('p'));
    assert.equal(nodeOf(without.decision), 'n1', 'One that fails to give points is passed over');
  });

  it('fail the cycle when they fail, unless they may be ignored', async () => {
    answers = {};
    const strict = await decideWith('filterVerb: filter', newPod('p'));
    assert.ok(strict.decision.kind === 'error');
    assert.match(
      strict.decision.status.reasons.join(),
      /failed to ask the extender at URL .*code 500/,
    );
    const loose = await decideWith('filterVerb: filter\nignorable: true', newPod('p'));
    assert.equal(nodeOf(loose.decision), 'n1');
  });

  it('are asked about pods only that want what they manage, and the scheduler may leave it to them', async () => {
    const fields =
      'filterVerb: filter\nmanagedResources: [{name: example.com/gpu, ignoredByScheduler: true}]';
    answers = { filter: ({ Nodes }) => ({ Nodes }) };
    asked.length = 0;
    const plain = await decideWith(fields, newPod('p'));
    assert.equal(plain.isInterested, false);
    assert.deepEqual(asked, []);
    const gpu = newPod('p', { containers: [newContainer({ 'example.com/gpu': '1' })] });
    const { decision, isInterested } = await decideWith(fields, gpu);
    assert.equal(isInterested, true);
    assert.equal(nodeOf(decision), 'n1', 'No node has the resource, and nobody minds');
    assert.deepEqual(asked, ['filter']);
  });

  it('choose among the victims', async () => {
    const low = (name: string, nodeName: string): Pod =>
      newPod(name, { containers: [newContainer({ cpu: '4' })], priority: 0, nodeName });
    const placed = [low('a', 'n1'), low('b', 'n2'), low('c', 'n3')];
    const uid = placed[1]?.metadata.uid ?? '';
    answers = {
      preempt: () => ({ NodeNameToMetaVictims: { n2: { Pods: [{ UID: uid }] } } }),
    };
    const high = newPod('high', { containers: [newContainer({ cpu: '1' })], priority: 9 });
    const { decision } = await decideWith('preemptVerb: preempt', high, placed);
    assert.ok(decision.kind === 'none');
    assert.equal(decision.nominatedNodeName, 'n2');
    assert.deepEqual(
      decision.victims.map(({ metadata }) => metadata.name),
      ['b'],
    );
  });

  it('bind in the place of the plugins', async () => {
    const bindings: unknown[] = [];
    answers = {
      bind: (question) => {
        bindings.push(question.Node);
        return {};
      },
    };
    const { bind, bound } = await decideWith('bindVerb: bind', newPod('p'));
    assert.equal(await bind('n2'), undefined);
    assert.deepEqual(bindings, ['n2']);
    assert.deepEqual(bound, []);
    answers = { bind: () => ({ Error: 'no' }) };
    assert.deepEqual((await bind('n2'))?.reasons, ['no']);
  });
});
