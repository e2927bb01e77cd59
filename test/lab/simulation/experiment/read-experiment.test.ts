/** Experiments are read strictly: what is wrong is named by its path, all of it in one line. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ExperimentError,
  readExperiment,
} from '../../../../lab/simulation/experiment/read-experiment.ts';
import { readTime } from '../../../../lab/simulation/experiment/units.ts';

const HEAD = 'apiVersion: lab.skiff.dev/v1alpha1\nkind: Experiment\n';
const CLUSTER = 'cluster: { nodes: [{ count: 2, cpu: 4, memory: 8Gi }] }\n';
const WORKLOAD = 'workload: { pods: [{ count: 3, classes: [{ cpu: 1 }] }] }\n';
const POLICIES = 'policies: [{ default: true }]\n';

function problemOf(text: string): string {
  try {
    readExperiment(text, '/x/some.yaml');
  } catch (error) {
    assert.ok(error instanceof ExperimentError, String(error));
    assert.ok(!error.message.includes('\n'), 'An error is one line');
    return error.message;
  }
  return '';
}

describe('readExperiment', () => {
  it('fills in what is not said', () => {
    const read = readExperiment(HEAD + CLUSTER + WORKLOAD + POLICIES, '/x/some.yaml');
    assert.equal(read.name, 'some');
    assert.equal(read.mode, 'queued');
    assert.deepEqual(read.seeds, [1]);
    assert.deepEqual(read.options, {
      percentageOfNodesToScore: 0,
      tieBreak: 'random',
      horizonMs: Number.POSITIVE_INFINITY,
    });
    assert.deepEqual(read.cluster.sources, [
      {
        kind: 'generated',
        count: 2,
        name: 'node-0',
        allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
        labels: {},
        taints: [],
      },
    ]);
    assert.deepEqual(read.policies, [{ kind: 'default', name: 'default', description: '' }]);
  });

  it('finds files relative to its own folder', () => {
    const text = `${HEAD}cluster: { nodes: [{ csv: data/n.csv }] }
workload: { pods: [{ trace: ../t.csv }] }
policies: [{ file: p.ts, parameters: { a: 1, b: { typicalPods: true } } }]
seeds: { first: 42, count: 3 }`;
    const { cluster, workload, policies, seeds } = readExperiment(text, '/x/y/some.yaml');
    assert.deepEqual(cluster.sources, [{ kind: 'csv', file: '/x/y/data/n.csv' }]);
    assert.deepEqual(workload.sources[0], {
      kind: 'trace',
      file: '/x/t.csv',
      timeScale: 1,
      limit: Number.POSITIVE_INFINITY,
    });
    const parameters = { values: { a: 1 }, typicalPods: ['b'] };
    const [policy] = policies;
    assert.deepEqual(policy, {
      kind: 'file',
      name: 'p',
      description: '',
      file: '/x/y/p.ts',
      parameters,
    });
    assert.deepEqual(seeds, [42, 43, 44]);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['kind: Other', /^\/x\/some.yaml: begin with "apiVersion: lab.skiff.dev\/v1alpha1"/],
    [
      `${HEAD}${WORKLOAD}${POLICIES}`,
      /cluster: Invalid value: null: must say which nodes there are/,
    ],
    [`${HEAD}${CLUSTER}${POLICIES}`, /workload: Invalid value: null: must say which pods come/],
    [
      `${HEAD}${CLUSTER}${WORKLOAD}`,
      /policies: Invalid value: \[\]: must name at least one policy/,
    ],
    [`${HEAD}${CLUSTER}${WORKLOAD}${POLICIES}colour: red`, /unknown field "colour"/],
    [
      `${HEAD}${CLUSTER}${WORKLOAD}${POLICIES}mode: twice`,
      /mode: Invalid value: "twice": must be one of once, queued/,
    ],
    [`${HEAD}${CLUSTER}${WORKLOAD}${POLICIES}seeds: [1, 1]`, /seeds: Invalid value: \[1,1\]/],
    [
      `${HEAD}${CLUSTER}${WORKLOAD}${POLICIES}options: { horizon: soon }`,
      /options.horizon: Invalid value: "soon"/,
    ],
    [
      `${HEAD}cluster: { nodes: [{ count: 0, cpu: x, memory: 1Gi }] }\n${WORKLOAD}${POLICIES}`,
      /nodes\[0\].count: Invalid value: 0: must be 1 to 50000; cluster.nodes\[0\].cpu: Invalid value: "x"/,
    ],
    [
      `${HEAD}cluster: { nodes: [{ count: 1, cpu: 1, memory: 1Gi, csv: a }] }\n${WORKLOAD}${POLICIES}`,
      /give one of "count", "csv", "objects", "kubeconfig"/,
    ],
    [
      `${HEAD}${CLUSTER}workload: { pods: [{ count: 1, classes: [{ gpu: 1.5 }] }] }\n${POLICIES}`,
      /classes\[0\].gpu: Invalid value: 1.5: must be a part of one \(0.25\) or whole ones \(2\)/,
    ],
    [
      `${HEAD}${CLUSTER}workload: { pods: [{ count: 1, classes: [{ duration: { cauchy: {} } }] }] }\n${POLICIES}`,
      /duration: Invalid value: .*one of exponential, lognormal, pareto, uniform/,
    ],
    [
      `${HEAD}cluster: { nodes: [{ count: 1, cpu: 1, memory: 1Gi }], failures: { meanTimeBetween: 1d, meanTimeToRepair: 1h } }\n${WORKLOAD}${POLICIES}`,
      /options.horizon: Invalid value: null: must be given when nodes fail/,
    ],
    [
      `${HEAD}${CLUSTER}${WORKLOAD}policies: [{ default: true }, { default: true }]`,
      /name of another policy/,
    ],
  ];
  for (const [text, message] of wrong) {
    it(`says ${message.source.slice(0, 60)}`, () => assert.match(problemOf(text), message));
  }
});

describe('readTime', () => {
  it('takes times as people write them', () => {
    assert.equal(readTime('1h30m'), 5_400_000);
    assert.equal(readTime('1.5s'), 1_500);
    assert.equal(readTime(2), 2_000);
    for (const text of ['', '1', 'h', '-1s', '1w', -1, null])
      assert.equal(readTime(text), undefined);
  });
});
