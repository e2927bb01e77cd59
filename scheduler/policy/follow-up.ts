/**
 * What the scheduler does with a policy's verdict. The policy has decided in its own thread, on what it
 * knew a moment ago: here it is looked at on the state of now. Pure.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { checkNode } from '../check-node.ts';
import { fitErrorMessage } from '../diagnosis.ts';
import { CycleState } from '../framework/cycle-state.ts';
import type { Framework } from '../framework/framework.ts';
import type { Status } from '../framework/status.ts';
import { type DecisionOptions, decide } from '../schedule-one.ts';
import type { NamedVerdict } from './policies.ts';
import { VOLUME_NODES } from './volume-nodes.ts';

export type FollowUp =
  /** The default profile decides; the text is for the pod's owner. */
  | { readonly kind: 'standIn'; readonly text: string }
  | {
      readonly kind: 'none';
      readonly message: string;
      readonly rejectedBy: ReadonlySet<string>;
      /** Pods to be removed to make room on the nominated node. */
      readonly victims: readonly Pod[];
      readonly nominatedNodeName?: string;
    }
  | {
      readonly kind: 'assume';
      readonly framework: Framework;
      readonly state: CycleState;
      readonly nodeName: string;
    }
  /** The node can't have it any more: the policy is asked again. */
  | { readonly kind: 'conflict'; readonly framework: Framework; readonly objection: Status };

export function followUpOf(
  verdict: NamedVerdict,
  pod: PodInfo,
  snapshot: Snapshot,
  options: DecisionOptions,
): FollowUp {
  if (verdict.kind === 'unavailable') {
    const why = `policy "${verdict.policy}" is not at work: ${verdict.why}`;
    return { kind: 'standIn', text: `${why}; the default profile decides in its place` };
  }
  const { outcome, framework } = verdict;
  if (outcome.kind === 'none') {
    const { message, rejectedBy } = outcome;
    const known = new Set([VOLUME_NODES, ...framework.plugins.map(({ name }) => name)]);
    const isOwn = outcome.statuses.size > 0 || !rejectedBy.isSubsetOf(known);
    // Room is made by the default plugins, in this thread: they ask the API.
    const here = decide(framework, snapshot, pod, options);
    if (here.kind !== 'none') return { kind: 'none', message, rejectedBy, victims: [] };
    const { victims, nominatedNodeName, diagnosis } = here;
    const { postFilterMessage = '' } = diagnosis;
    const whole = postFilterMessage === '' ? message : `${message} ${postFilterMessage}`;
    return {
      kind: 'none',
      // What default plugins object to is said more exactly here, where the volumes are known.
      message: isOwn ? whole : fitErrorMessage(diagnosis),
      rejectedBy: isOwn ? rejectedBy : diagnosis.rejectedBy,
      victims,
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    };
  }
  const { nodeName } = outcome;
  const state = new CycleState();
  const objection = checkNode(framework, state, snapshot, pod, nodeName, options.nominated);
  return objection === undefined
    ? { kind: 'assume', framework, state, nodeName }
    : { kind: 'conflict', framework, objection };
}

/** The policy's reservation isn't needed. */
export function takeBack(framework: Framework, pod: PodInfo): void {
  framework.unreserve(new CycleState(), pod, '');
}
