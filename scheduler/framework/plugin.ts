/**
 * The extension points of the scheduling framework. A plugin has a name and takes part in those
 * points whose method it has. All that is asked up to Score is synchronous and sees only the
 * snapshot: a decision is a pure function of it.
 *
 * Source: kubernetes/kube-scheduler framework/interface.go, v0.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Candidate } from '../plugins/default-preemption/select-candidate.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import type { EventRegistration } from './cluster-event.ts';
import type { CycleState } from './cycle-state.ts';
import type { Status } from './status.ts';

/** Scores, after normalising, are whole numbers from 0 to this. */
export const SCORE_MAX = 100;

export interface PreFilterResult {
  readonly status?: Status;
  /** Only these nodes can fit; absent: any. */
  readonly nodeNames?: ReadonlySet<string>;
}

/** Keep a plugin's PreFilter state true while pods are added to or taken off a node in thought. */
export interface PreFilterExtensions {
  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined;
  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined;
}

export interface PostFilterResult {
  /** Room is to be made on this node; empty: an earlier nomination is taken back; absent: it stays. */
  readonly nominatedNodeName?: string;
  /** Pods that have to go, the most important first. */
  readonly victims?: readonly Pod[];
  /** Between which nodes the choice was. */
  readonly candidates?: readonly Candidate[];
  readonly status?: Status;
}

/** What PostFilter may ask: whether the pod would fit on a node that isn't as it is. */
export interface FilterHandle {
  /** All the filters, also with the pods that are nominated to the node. */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** Tell the plugins that a pod has come to the node, or left it; the state is a clone. */
  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined;
  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined;
}

export interface PermitResult {
  readonly status?: Status;
  /** With status `Wait`: the pod is rejected when nobody allows it within this time. */
  readonly timeoutMs?: number;
}

/** A score for each feasible node, in the order of the nodes; changed in place. */
export type Scores = number[];

export interface Plugin {
  readonly name: string;
  /** What may help pods that this plugin turned down; absent: everything may. */
  readonly events?: readonly EventRegistration[];

  /**
   * Promises that Filter and Score of a node follow from nothing but the pod and that node with the
   * pods on it. What they said is then reused as long as the node doesn't change, for all pods that
   * are alike: by `signPod`, or else in namespace, labels, annotations, owners and the whole spec.
   */
  readonly nodeLocal?: boolean;
  /** All of a pod that Filter and Score read, as a text; to have it is to promise `nodeLocal`. */
  signPod?(pod: PodInfo): string;
  /** Of a node-local plugin: changes when what Filter or Score know of the cluster as a whole does. */
  sharedVersion?(snapshot: Snapshot): number;

  /** Before a pod enters the active queue; not success: it waits, without attempts. */
  preEnqueue?(pod: Pod): Status | undefined;
  /** The order of the active queue; exactly one plugin of a profile has it. */
  less?(a: QueuedPod, b: QueuedPod): boolean;

  preFilter?(state: CycleState, pod: PodInfo, snapshot: Snapshot): PreFilterResult;
  readonly preFilterExtensions?: PreFilterExtensions;
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** When no node fits; `statuses` has what each node was turned down for. */
  postFilter?(
    state: CycleState,
    pod: PodInfo,
    snapshot: Snapshot,
    statuses: ReadonlyMap<string, Status>,
    handle: FilterHandle,
  ): PostFilterResult;

  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Status | undefined;
  /** A whole number; any range when there is `normalizeScore`, else 0 to {@link SCORE_MAX}. */
  score?(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  normalizeScore?(state: CycleState, pod: PodInfo, scores: Scores): void;

  /** The pod is assumed on the node. When a later step fails, `unreserve` takes it back. */
  reserve?(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined;
  unreserve?(state: CycleState, pod: PodInfo, nodeName: string): void;
  permit?(state: CycleState, pod: PodInfo, nodeName: string): PermitResult;

  /** What must be done before binding; runs beside the cycles of other pods, as do the next two. */
  preBind?(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Status | undefined>;
  /** The first plugin that doesn't say `Skip` binds. */
  bind?(
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Status | undefined>;
  postBind?(state: CycleState, pod: PodInfo, nodeName: string): void;
}

/** A plugin in a profile; the weight is of its score, 1 when absent or 0. */
export interface ConfiguredPlugin {
  readonly plugin: Plugin;
  readonly weight?: number;
}
