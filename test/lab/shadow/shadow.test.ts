import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgementLine, totalLines } from '../../../lab/shadow/print-shadow.ts';
import { type Judgement, Shadow, ShadowFailure } from '../../../lab/shadow/shadow.ts';
import type { Node, Pod } from '../../../proto/api/gen/core-v1.ts';
import { defaultProfile } from '../../../scheduler/default-profile.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import type { Plugin } from '../../../scheduler/framework/plugin.ts';

const WORLD = {
  client: { request: () => Promise.reject(new Error('nobody is asked')) },
  peersOf: () => undefined,
  namespaceLabels: () => ({}),
};

function node(name: string, cpu = '4'): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
    status: { allocatable: { cpu, memory: '8Gi', pods: '110' } },
  } as unknown as Node;
}

function pod(name: string, cpu: string, nodeName?: string, status: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name },
    spec: {
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
    status: { phase: 'Pending', ...status },
  } as unknown as Pod;
}

const TURNED_DOWN = {
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
};

/** The default profile beside a cluster of the nodes n1 and n2, and what it has judged. */
function newShadow(more: readonly Plugin[] = []): {
  readonly shadow: Shadow;
  readonly judged: readonly Judgement[];
} {
  const plugins = [...defaultProfile(WORLD), ...more.map((plugin) => ({ plugin }))];
  const framework = new Framework('default-scheduler', plugins);
  const judged: Judgement[] = [];
  const tieBreak = { kind: 'name' } as const;
  const policy = { name: 'p', framework, percentageOfNodesToScore: 0, tieBreak };
  const shadow = new Shadow(policy, (one) => judged.push(one));
  shadow.seeNode(node('n1'));
  shadow.seeNode(node('n2'));
  return { shadow, judged };
}

describe('a shadow', () => {
  it('decides on the cluster as it was, not counting its own choices', () => {
    const { shadow, judged } = newShadow();
    const come = (name: string, cpu: string, to: string): void => {
      shadow.seePod(pod(name, cpu));
      shadow.seePod(pod(name, cpu, to));
    };
    come('a', '2', 'n1');
    come('b', '1', 'n1');
    come('c', '1', 'n2');
    assert.deepEqual(judged.slice(0, 1), [{ pod: 'default/a', live: 'n1', shadow: 'n1' }]);
    const [, b, c] = judged;
    assert.deepEqual([b?.live, b?.shadow, b?.because?.kind], ['n1', 'n2', 'points']);
    assert.deepEqual(
      c,
      { pod: 'default/c', live: 'n2', shadow: 'n2' },
      'b is on n1, whatever it said',
    );
    const { decisions, different, onlyTies, byPlugin } = shadow.totals;
    assert.deepEqual([decisions, different, onlyTies], [3, 1, 0]);
    assert.deepEqual(Object.values(byPlugin), [1]);
  });

  it('tells ties apart from points', () => {
    const { shadow, judged } = newShadow();
    shadow.seePod(pod('a', '1'));
    shadow.seePod(pod('a', '1', 'n2'));
    assert.deepEqual(judged[0]?.because, { kind: 'tie' });
    assert.equal(shadow.totals.onlyTies, 1);
    const [judgement] = judged;
    assert.ok(judgement !== undefined);
    assert.equal(
      judgementLine('p', judgement, shadow.totals),
      'default/a: live n2, p n1 (tie-break); 1 of 1 differ (100.0 %)',
    );
    assert.deepEqual(totalLines(shadow.totals), [
      '1 of 1 differ (100.0 %)',
      'by only the tie-break 1',
    ]);
  });

  it('judges a pod that gets no node once, and says whether it had one for it', () => {
    const { shadow, judged } = newShadow();
    for (let times = 0; times < 3; times += 1) {
      shadow.seePod(pod('big', '64', undefined, TURNED_DOWN));
      shadow.seePod(pod('small', '1', undefined, TURNED_DOWN));
    }
    assert.deepEqual(
      judged.map((one) => [one.pod, one.live, one.shadow]),
      [
        ['default/big', undefined, undefined],
        ['default/small', undefined, 'n1'],
      ],
    );
  });

  it('passes over pods that were there, and frees what has ended or gone', () => {
    const { shadow, judged } = newShadow();
    shadow.seePod(pod('there', '4', 'n1'));
    shadow.seePod(pod('done', '4', 'n2'));
    shadow.seePod(pod('done', '4', 'n2', { phase: 'Succeeded' }));
    assert.equal(judged.length, 0);
    shadow.seePod(pod('a', '4'));
    shadow.seePod(pod('a', '4', 'n2'));
    shadow.losePod('there');
    shadow.loseNode('n2');
    shadow.seePod(pod('b', '4'));
    shadow.seePod(pod('b', '4', 'n1'));
    assert.deepEqual(
      judged.map(({ shadow: to }) => to),
      ['n2', 'n1'],
    );
    assert.equal(shadow.totals.different, 0);
  });

  it('ends with the name of the plugin that failed', () => {
    const broken: Plugin = {
      name: 'Broken',
      filter: () => {
        throw new Error('oh');
      },
    };
    const { shadow } = newShadow([broken]);
    shadow.seePod(pod('a', '1'));
    assert.throws(
      () => shadow.seePod(pod('a', '1', 'n1')),
      (error) =>
        error instanceof ShadowFailure &&
        /plugin "Broken" failed on pod "default\/a"/.test(error.message),
    );
  });
});
