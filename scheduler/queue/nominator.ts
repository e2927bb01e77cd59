/**
 * Which pods are to get which node, though they aren't there yet: room is being made for them. Others
 * of the same or lower priority may not take it meanwhile.
 *
 * Source: kubernetes pkg/scheduler/backend/queue/nominator.go, v1.36.
 */

import type { PodInfo } from '../cache/pod-info.ts';

/** What a decision asks. */
export interface NominatedPods {
  /** Those nominated to the node; most often none. */
  on(nodeName: string): readonly PodInfo[];
  /** False: `on` gives none for every node. */
  readonly isAny: boolean;
}

interface Nomination {
  readonly nodeName: string;
  readonly pod: PodInfo;
}

const NOBODY: readonly PodInfo[] = [];

export class Nominator implements NominatedPods {
  readonly #byUid = new Map<string, Nomination>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();

  get isAny(): boolean {
    return this.#byUid.size > 0;
  }

  on(nodeName: string): readonly PodInfo[] {
    const pods = this.#byNode.get(nodeName);
    return pods === undefined ? NOBODY : [...pods.values()];
  }

  /**
   * The pod waits, and is nominated to this node, or to what its status says; to none when that says
   * nothing either.
   */
  set(pod: PodInfo, nodeName: string = pod.pod.status?.nominatedNodeName ?? ''): void {
    const { uid } = pod.pod.metadata;
    this.delete(uid);
    if (nodeName === '') return;
    this.#byUid.set(uid, { nodeName, pod });
    const onNode = this.#byNode.get(nodeName) ?? new Map<string, PodInfo>();
    this.#byNode.set(nodeName, onNode.set(uid, pod));
  }

  /** A waiting pod has changed. News from before a nomination was written doesn't take it away. */
  update(before: PodInfo['pod'], pod: PodInfo): void {
    const [old, now] = [before, pod.pod].map(({ status }) => status?.nominatedNodeName ?? '');
    const known = this.#byUid.get(pod.pod.metadata.uid)?.nodeName;
    if (old === '' && now === '' && known !== undefined) this.set(pod, known);
    else this.set(pod);
  }

  /** The pod is gone, or has a node. */
  delete(uid: string): void {
    const nomination = this.#byUid.get(uid);
    if (nomination === undefined) return;
    this.#byUid.delete(uid);
    const onNode = this.#byNode.get(nomination.nodeName);
    onNode?.delete(uid);
    if (onNode?.size === 0) this.#byNode.delete(nomination.nodeName);
  }
}
