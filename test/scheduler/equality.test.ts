/** Decisions against an independent, slow oracle, on random clusters. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SchedulerCache } from '../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../scheduler/cache/pod-info.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import { type Decision, decide } from '../../scheduler/schedule-one.ts';
import { decideSlowly, type OracleDecision } from '../support/scheduling-oracle/oracle.ts';
import { type Situation, situations } from '../support/scheduling-oracle/situations.ts';

const RUNS = 600;

/** What must have come up, or the generator is too tame. */
const REASONS = [
  'node(s) were unschedulable',
  'node(s) had untolerated taint(s)',
  "node(s) didn't match Pod's node affinity/selector",
  "node(s) didn't have free ports for the requested pod ports",
  'Too many pods',
  'Insufficient cpu',
  'Insufficient memory',
  'Insufficient example.com/gpu',
  "node(s) didn't match pod topology spread constraints",
  "node(s) didn't match pod topology spread constraints (missing required label)",
  "node(s) didn't match pod affinity rules",
  "node(s) didn't match pod anti-affinity rules",
  "node(s) didn't satisfy existing pods anti-affinity rules",
];
const SCORES = [
  'TaintToleration',
  'NodeAffinity',
  'NodeResourcesFit',
  'PodTopologySpread',
  'InterPodAffinity',
  'NodeResourcesBalancedAllocation',
  'ImageLocality',
];

function frameworkFor({ world }: Situation): Framework {
  const profile = defaultProfile({
    client: { request: () => Promise.reject(new Error('unused')) },
    peersOf: () => undefined,
    namespaceLabels: (name) => world.namespaces[name] ?? {},
  });
  return new Framework('default-scheduler', profile);
}

function cacheOf({ world }: Situation): SchedulerCache {
  const cache = new SchedulerCache();
  for (const node of world.nodes) cache.setNode(node);
  for (const pod of world.pods) cache.setPod(pod);
  return cache;
}

function decideFast(situation: Situation, framework: Framework, cache: SchedulerCache): Decision {
  return decide(framework, cache.snapshot(), newPodInfo(situation.pod), {
    startIndex: situation.startIndex,
    percentageOfNodesToScore: 0,
    tieBreak: { kind: 'first' },
  });
}

function assertSame(decision: Decision, expected: OracleDecision): void {
  if (expected.chosen === undefined) {
    assert.equal(decision.kind, 'none');
    assert.ok(decision.kind === 'none');
    const { statuses, preFilterMessage } = decision.diagnosis;
    assert.equal(preFilterMessage, undefined);
    const reasons = Object.fromEntries(
      [...statuses].map(([name, status]) => [name, status.reasons.toSorted()]),
    );
    const sorted = Object.entries(expected.reasons).map(([name, why]) => [name, why.toSorted()]);
    assert.deepEqual(reasons, Object.fromEntries(sorted));
    return;
  }
  assert.ok(decision.kind === 'node', JSON.stringify(decision));
  // With one node there is nothing to score, and nothing is listed.
  if (expected.feasible.length > 1) {
    assert.deepEqual(decision.feasible, expected.feasible);
    const scores = decision.scores.map(({ plugin, scores: values }) => [plugin, [...values]]);
    assert.deepEqual(Object.fromEntries(scores), expected.scores);
  }
  assert.equal(decision.nodeName, expected.chosen);
}

describe('decide, beside the oracle', () => {
  it('finds the same nodes, reasons, scores and choice', () => {
    const reasons = new Set<string>();
    /** Plugins whose points have told nodes apart. */
    const telling = new Set<string>();
    let severalFit = 0;
    const property = fc.property(situations, (situation) => {
      const { pod, world, startIndex } = situation;
      const expected = decideSlowly(pod, world, startIndex);
      for (const why of Object.values(expected.reasons).flat()) reasons.add(why);
      if (expected.feasible.length > 1) severalFit += 1;
      for (const [plugin, values] of Object.entries(expected.scores)) {
        if (new Set(values).size > 1) telling.add(plugin);
      }
      assertSame(decideFast(situation, frameworkFor(situation), cacheOf(situation)), expected);
    });
    fc.assert(property, { numRuns: RUNS, seed: 36 });
    assert.deepEqual(
      REASONS.filter((why) => !reasons.has(why)),
      [],
    );
    assert.deepEqual(
      SCORES.filter((plugin) => !telling.has(plugin)),
      [],
    );
    assert.ok(severalFit > RUNS / 10, `${severalFit} situations had a choice`);
  });

  it('still does when the cluster has changed since the last decision', () => {
    const property = fc.property(situations, fc.nat(9), (situation, which) => {
      const { pod, world, startIndex } = situation;
      const framework = frameworkFor(situation);
      const cache = cacheOf(situation);
      decideFast(situation, framework, cache);
      const gone = world.pods[which];
      if (gone === undefined) return;
      cache.removePod(gone.metadata.uid);
      const left = { ...world, pods: world.pods.filter((each) => each !== gone) };
      assertSame(decideFast(situation, framework, cache), decideSlowly(pod, left, startIndex));
      cache.setPod(gone);
      const order = { ...world, pods: [...left.pods, gone] };
      assertSame(decideFast(situation, framework, cache), decideSlowly(pod, order, startIndex));
    });
    fc.assert(property, { numRuns: RUNS / 2, seed: 37 });
  });
});
