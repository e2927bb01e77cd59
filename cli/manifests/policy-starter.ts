/** The files that `skiff policy new` writes. */

/** As the scheduler checks it. */
export const POLICY_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export interface StarterFile {
  readonly name: string;
  readonly text: string;
  /** Of this policy only: when it is there, nothing is written. Others are kept as they are. */
  readonly isOwn: boolean;
}

export function starterFiles(name: string): readonly StarterFile[] {
  return [
    { name: `${name}.ts`, text: policyText(name), isOwn: true },
    { name: `${name}.test.ts`, text: testText(name), isOwn: true },
    { name: 'package.json', text: '{ "type": "module", "private": true }\n', isOwn: false },
    { name: 'tsconfig.json', text: TSCONFIG, isOwn: false },
  ];
}

/** What an editor needs to understand the files as Node runs them. */
const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true
  }
}
`;

function policyText(name: string): string {
  return `/**
 * The policy "${name}": pods choose it by \`spec.schedulerName: ${name}\`.
 *
 * The scheduler asks each of its plugins, pod by pod. Change something and save: the running scheduler
 * loads the file again. \`skiff why POD\` shows the points that each node got.
 */

import type { Policy } from 'skiff/policy';

export const policy: Policy<{ weight: number }> = {
  name: '${name}',
  description: 'nodes with free memory, before nodes with free CPU',

  // What it starts from: 'default' (all of kube-scheduler's plugins, filters and scores), 'filters' (only
  // what keeps pods off nodes; the scores are yours), 'none' (nothing, not even room is looked at).
  extends: 'filters',
  // disable: ['PodTopologySpread'],
  // weights: { ImageLocality: 5 },

  // Which of several nodes with the most points: 'name', 'first', 'random' or 'heap135'.
  tieBreak: 'name',

  // Values that an experiment can set otherwise.
  parameters: { weight: 1 },

  // Called once for each run: what plugins remember between pods belongs in here. Take random numbers
  // from the given \`random\`, so that a run with the same seed does the same.
  plugins: ({ parameters }) => [
    {
      name: 'FreeMemory',
      // Which nodes can take the pod? Return nothing for yes, or unschedulable('why not')
      // (import { unschedulable } from 'skiff/policy').
      //
      // filter: (_state, pod, node) => undefined,

      // How good is the node, from 0 to 100? CPU is in thousandths, memory in bytes; \`requested\` is what
      // the pods on the node have asked for.
      score: (_state, pod, node) => {
        const free = node.allocatable.memory - node.requested.memory - pod.requests.memory;
        return node.allocatable.memory === 0 ? 0 : Math.round((100 * free) / node.allocatable.memory);
      },
      // Times this many; a policy of several plugins adds them up.
      weight: parameters.weight,
    },
  ],
};
`;
}

function testText(name: string): string {
  return `/** The policy "${name}" on a cluster of two nodes in memory. Run it with \`node --test\`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolicyTrial } from 'skiff/policy/testing';
import { policy } from './${name}.ts';

const nodes = [
  { name: 'small', cpu: '8', memory: '4Gi' },
  { name: 'large', cpu: '2', memory: '16Gi' },
];

test('${name} prefers the node with more memory left', () => {
  const trial = new PolicyTrial(policy, { nodes });
  assert.deepEqual(trial.totals({ cpu: '1', memory: '2Gi' }), { small: 50, large: 88 });
  assert.equal(trial.schedule({ cpu: '1', memory: '2Gi' }), 'large');
});

test('${name} puts a pod only where there is room', () => {
  const trial = new PolicyTrial(policy, { nodes });
  assert.equal(trial.schedule({ cpu: '4' }), 'small');
  assert.match(trial.whyNot({ cpu: '16' }) ?? '', /2 Insufficient cpu/);
});
`;
}
