/**
 * A second policy that decides beside the live scheduler, without binding. When the cluster shows what
 * became of a pod, the shadow decides for it on the cluster as it was before that, and both choices are
 * told. Its own choices change nothing, so each pod is compared on the same cluster. Pure: what informers
 * tell in, judgements out.
 */

import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { SchedulerCache } from '../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../scheduler/cache/pod-info.ts';
import type { Framework } from '../../scheduler/framework/framework.ts';
import { type Decision, decide } from '../../scheduler/schedule-one.ts';
import type { TieBreak } from '../../scheduler/select-node.ts';
import { type Preference, preferenceOf } from '../simulation/compare/preference.ts';

/** What decides in the shadow. */
export interface ShadowPolicy {
  readonly name: string;
  readonly framework: Framework;
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number;
  readonly tieBreak: TieBreak;
}

export interface Judgement {
  /** `namespace/name` */
  readonly pod: string;
  /** Absent: the live scheduler found none. */
  readonly live?: string;
  /** Absent: the shadow found none. */
  readonly shadow?: string;
  /** Why the shadow prefers its own; absent when both chose the same. */
  readonly because?: Preference;
}

export interface ShadowTotals {
  readonly decisions: number;
  readonly different: number;
  /** Of these, those where the shadow finds the live node as good as its own. */
  readonly onlyTies: number;
  /** How often each plugin's points spoke most for the shadow's node. */
  readonly byPlugin: Readonly<Record<string, number>>;
}

/** A plugin of the policy failed: there is nothing to compare. */
export class ShadowFailure extends Error {}

export class Shadow {
  readonly #policy: ShadowPolicy;
  readonly #onJudged: (judgement: Judgement) => void;
  readonly #cache = new SchedulerCache();
  /** Uids of pods that wait for the scheduler; true: it has said that it finds no node. */
  readonly #waiting = new Map<string, boolean>();
  readonly #byPlugin = new Map<string, number>();
  #startIndex = 0;
  #decisions = 0;
  #different = 0;
  #onlyTies = 0;

  constructor(policy: ShadowPolicy, onJudged: (judgement: Judgement) => void) {
    this.#policy = policy;
    this.#onJudged = onJudged;
  }

  get totals(): ShadowTotals {
    return {
      decisions: this.#decisions,
      different: this.#different,
      onlyTies: this.#onlyTies,
      byPlugin: Object.fromEntries([...this.#byPlugin].sort(([, a], [, b]) => b - a)),
    };
  }

  seeNode(node: Node): void {
    this.#cache.setNode(node);
  }

  loseNode(name: string): void {
    this.#cache.removeNode(name);
  }

  /** Added or changed. Throws a {@link ShadowFailure}. */
  seePod(pod: Pod): void {
    const { uid } = pod.metadata;
    const { phase, conditions = [] } = pod.status;
    if (phase === 'Succeeded' || phase === 'Failed') {
      this.losePod(uid);
      return;
    }
    const { nodeName = '' } = pod.spec;
    if (nodeName === '') {
      const wasTold = this.#waiting.get(uid) ?? false;
      const isTurnedDown = conditions.some(
        ({ type, status, reason }) =>
          type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
      );
      this.#waiting.set(uid, wasTold || isTurnedDown);
      if (isTurnedDown && !wasTold) this.#judge(pod, undefined);
      return;
    }
    // Who comes with a node was given it by somebody else than a scheduler, or before this began.
    if (this.#waiting.delete(uid)) this.#judge(pod, nodeName);
    this.#cache.setPod(pod);
  }

  losePod(uid: string): void {
    this.#waiting.delete(uid);
    this.#cache.removePod(uid);
  }

  #judge(pod: Pod, live: string | undefined): void {
    const decision = this.#decide(pod);
    const shadow = decision.kind === 'node' ? decision.nodeName : undefined;
    this.#decisions += 1;
    const sides = {
      pod: keyOf(pod),
      ...(live === undefined ? {} : { live }),
      ...(shadow === undefined ? {} : { shadow }),
    };
    if (shadow === live) {
      this.#onJudged(sides);
      return;
    }
    this.#different += 1;
    const because = preferenceOf(decision, live ?? '');
    if (because.kind === 'tie') this.#onlyTies += 1;
    if (because.kind === 'points') {
      const { plugin } = because;
      this.#byPlugin.set(plugin, (this.#byPlugin.get(plugin) ?? 0) + 1);
    }
    this.#onJudged({ ...sides, because });
  }

  #decide(pod: Pod): Decision {
    const { framework, percentageOfNodesToScore, tieBreak } = this.#policy;
    const { nodeName: _, ...spec } = pod.spec;
    const { nominatedNodeName: __, ...status } = pod.status;
    const decision = decide(
      framework,
      this.#cache.snapshot(),
      newPodInfo({ ...pod, spec, status }),
      { startIndex: this.#startIndex, percentageOfNodesToScore, tieBreak },
    );
    if (decision.kind === 'error') {
      const { plugin = 'unknown', reasons } = decision.status;
      throw new ShadowFailure(
        `plugin "${plugin}" failed on pod "${keyOf(pod)}": ${reasons.join(', ')}`,
      );
    }
    this.#startIndex = decision.nextStartIndex;
    return decision;
  }
}
