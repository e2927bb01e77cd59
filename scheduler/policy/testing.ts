/**
 * For unit tests of policies (`skiff/policy/testing`): a small cluster in memory on which a policy
 * decides, with the scheduler's own code. No API server, no clock, nothing random besides the seed.
 */

import type { Node, Pod, PodSpec } from '../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../cache/cache.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { defaultProfile } from '../default-profile.ts';
import { fitErrorMessage } from '../diagnosis.ts';
import { Framework } from '../framework/framework.ts';
import { type Decision, decide } from '../schedule-one.ts';
import type { Policy, PolicyParameters } from './policy.ts';
import { policyProfile } from './policy-profile.ts';

/** Quantities as in the API: `cpu: '500m'`, `memory: '1Gi'`; other resources by name in `more`. */
export interface TrialNode {
  readonly name: string;
  /** Default 4. */
  readonly cpu?: string;
  /** Default 8Gi. */
  readonly memory?: string;
  readonly more?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: NonNullable<Node['spec']['taints']>;
}

export interface TrialPod {
  readonly name?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly more?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Anything else of a pod's spec: affinity, tolerations, priority. */
  readonly spec?: Partial<PodSpec>;
}

export interface TrialOptions {
  readonly nodes: readonly TrialNode[];
  /** Default 1. */
  readonly seed?: number;
  readonly parameters?: PolicyParameters;
}

/** Pods that were scheduled stay on their nodes. */
export class PolicyTrial {
  readonly #framework: Framework;
  readonly #profile: ReturnType<typeof policyProfile>;
  readonly #cache = new SchedulerCache();
  #startIndex = 0;
  #pods = 0;

  /** Throws a PolicyError when the policy isn't a good one. */
  constructor(policy: Policy, options: TrialOptions) {
    const { seed = 1, parameters } = options;
    const run = { seed, ...(parameters === undefined ? {} : { parameters }) };
    this.#profile = policyProfile(policy, defaultProfile(NOBODY), run);
    this.#framework = new Framework(policy.name, this.#profile.plugins);
    for (const node of options.nodes) this.#cache.setNode(nodeOf(node));
  }

  /** Puts the pod on the node that the policy chooses and returns its name; undefined: none fits. */
  schedule(pod: TrialPod = {}): string | undefined {
    const made = this.#podOf(pod);
    const decision = this.#decide(made);
    if (decision.kind !== 'node') return undefined;
    const placed = { ...made, spec: { ...made.spec, nodeName: decision.nodeName } };
    this.#cache.setPod(placed);
    return decision.nodeName;
  }

  /** The total of each feasible node, without placing the pod; empty when fewer than two fit. */
  totals(pod: TrialPod = {}): Readonly<Record<string, number>> {
    const decision = this.#decide(this.#podOf(pod));
    if (decision.kind !== 'node') return {};
    const { feasible, scores } = decision;
    const total = (index: number): number =>
      scores.reduce((sum, one) => sum + (one.scores[index] ?? 0) * one.weight, 0);
    return Object.fromEntries(feasible.map((name, index) => [name, total(index)]));
  }

  /** Why no node takes the pod, in the words of its event; undefined when one does. */
  whyNot(pod: TrialPod = {}): string | undefined {
    const decision = this.#decide(this.#podOf(pod));
    return decision.kind === 'none' ? fitErrorMessage(decision.diagnosis) : undefined;
  }

  /** Throws what a plugin threw. */
  #decide(pod: Pod): Decision {
    const { tieBreak, percentageOfNodesToScore } = this.#profile;
    const decision = decide(this.#framework, this.#cache.snapshot(), newPodInfo(pod), {
      startIndex: this.#startIndex,
      tieBreak,
      percentageOfNodesToScore,
    });
    if (decision.kind === 'error') {
      const { plugin = '', reasons, error } = decision.status;
      throw new Error(`plugin "${plugin}" failed: ${reasons.join(', ')}`, { cause: error });
    }
    this.#startIndex = decision.nextStartIndex;
    return decision;
  }

  #podOf({ name, cpu, memory, more, labels, spec }: TrialPod): Pod {
    this.#pods += 1;
    const requests = { ...(cpu && { cpu }), ...(memory && { memory }), ...more };
    const containers = [{ name: 'main', image: 'trial', resources: { requests } }];
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...meta(name ?? `pod-${this.#pods}`, `pod-${this.#pods}`),
        namespace: 'default',
        labels: { ...labels },
      },
      spec: { containers, ...spec },
      status: { phase: 'Pending' },
    };
  }
}

/** Plugins that would ask the API get nothing in a trial. */
const NOBODY = {
  client: {
    request: async () => {
      throw new Error('A trial has no API server');
    },
  },
  peersOf: () => undefined,
  namespaceLabels: () => ({}),
};

function nodeOf({ name, cpu = '4', memory = '8Gi', more, labels, taints }: TrialNode): Node {
  const resources = { cpu, memory, pods: '110', ...more };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...meta(name, name), labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: taints === undefined ? {} : { taints },
    status: { allocatable: resources, capacity: resources },
  };
}

function meta(
  name: string,
  uid: string,
): Pick<Node['metadata'], 'name' | 'uid'> & {
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
} {
  return { name, uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
}
