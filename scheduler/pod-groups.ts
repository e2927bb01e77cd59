/**
 * Which pods belong to which PodGroup, and where they are: the one count that gang scheduling rests on.
 * Told by the informers, and ahead of them by the plugin when a pod is assumed. Decides nothing.
 *
 * Source: kubernetes pkg/scheduler/backend/workloadmanager, v1.36.
 */

import type { Informer } from '../client/informer.ts';
import type { Pod } from '../proto/api/gen/core-v1.ts';
import type { PodGroup } from '../proto/api/gen/scheduling-v1alpha2.ts';

type Place = 'waiting' | 'assumed' | 'assigned';

interface Member {
  readonly pod: Pod;
  readonly place: Place;
}

/** What can be done for members; the scheduler does it. Uids of pods. */
export interface MemberHandle {
  /** It waits for others of its group no longer. */
  allow(uid: string): void;
  reject(uid: string, why: string): void;
  /** It is to be tried at once. */
  activate(uid: string): void;
}

/** What a pod's group asks for. */
export type GroupPolicy =
  /** It is of no group, or of one whose pods run each for itself. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'gang'; readonly group: PodGroup; readonly minCount: number };

const NONE: GroupPolicy = { kind: 'none' };
const NO_HANDLE: MemberHandle = {
  allow: () => undefined,
  reject: () => undefined,
  activate: () => undefined,
};

export class PodGroups {
  readonly #groups: Pick<Informer<PodGroup>, 'get'>;
  /** Key of the group -> uid -> member. */
  readonly #members = new Map<string, Map<string, Member>>();
  #handle = NO_HANDLE;

  constructor(groups: Pick<Informer<PodGroup>, 'get'>) {
    this.#groups = groups;
  }

  get handle(): MemberHandle {
    return this.#handle;
  }

  attach(handle: MemberHandle): void {
    this.#handle = handle;
  }

  policyOf(pod: Pod): GroupPolicy {
    const name = groupNameOf(pod);
    if (name === undefined) return NONE;
    const group = this.#groups.get(groupKey(pod, name));
    if (group === undefined) return { kind: 'unknown', name };
    const { gang } = group.spec.schedulingPolicy;
    return gang === undefined ? NONE : { kind: 'gang', group, minCount: gang.minCount };
  }

  /** The pod as the API has it. */
  set(pod: Pod): void {
    const name = groupNameOf(pod);
    if (name === undefined) return;
    const isAssigned = (pod.spec.nodeName ?? '') !== '';
    const place = isAssigned ? 'assigned' : (this.#find(pod)?.place ?? 'waiting');
    this.#put(pod, groupKey(pod, name), place);
  }

  /** The pod is gone, or has ended. */
  delete(pod: Pod): void {
    const name = groupNameOf(pod);
    if (name === undefined) return;
    const key = groupKey(pod, name);
    const members = this.#members.get(key);
    members?.delete(pod.metadata.uid);
    if (members?.size === 0) this.#members.delete(key);
  }

  assume(pod: Pod): void {
    this.#move(pod, 'assumed');
  }

  /** Takes an assumption back; nothing happens when the API has confirmed it. */
  forget(pod: Pod): void {
    this.#move(pod, 'waiting');
  }

  /** How many pods of the group there are, wherever they are. */
  count(pod: Pod): number {
    return this.#of(pod).length;
  }

  /** How many of them have a node, assumed ones too. */
  placed(pod: Pod): number {
    return this.#of(pod).filter(({ place }) => place !== 'waiting').length;
  }

  /** The members that have no node, without the pod itself. */
  waiting(pod: Pod): readonly Pod[] {
    const waiting = this.#of(pod).filter(({ place }) => place === 'waiting');
    return waiting.map((member) => member.pod).filter(isNot(pod));
  }

  /** The members that were given a node which the API doesn't know yet, without the pod itself. */
  assumed(pod: Pod): readonly Pod[] {
    const assumed = this.#of(pod).filter(({ place }) => place === 'assumed');
    return assumed.map((member) => member.pod).filter(isNot(pod));
  }

  /** Whether so many have a node that they may run. */
  isComplete(pod: Pod): boolean {
    const policy = this.policyOf(pod);
    if (policy.kind === 'none') return true;
    return policy.kind === 'gang' && this.placed(pod) >= policy.minCount;
  }

  #of(pod: Pod): readonly Member[] {
    const name = groupNameOf(pod);
    if (name === undefined) return [];
    return [...(this.#members.get(groupKey(pod, name))?.values() ?? [])];
  }

  #find(pod: Pod): Member | undefined {
    const name = groupNameOf(pod);
    if (name === undefined) return undefined;
    return this.#members.get(groupKey(pod, name))?.get(pod.metadata.uid);
  }

  /** A pod that is gone stays so. */
  #move(pod: Pod, place: Place): void {
    const member = this.#find(pod);
    const name = groupNameOf(pod);
    if (name === undefined || member === undefined || member.place === 'assigned') return;
    this.#put(member.pod, groupKey(pod, name), place);
  }

  #put(pod: Pod, key: string, place: Place): void {
    const members = this.#members.get(key) ?? new Map<string, Member>();
    this.#members.set(key, members.set(pod.metadata.uid, { pod, place }));
  }
}

/** `spec.schedulingGroup.podGroupName`. */
export function groupNameOf(pod: Pod): string | undefined {
  return pod.spec.schedulingGroup?.podGroupName;
}

export function isSameGroup(one: Pod, other: Pod): boolean {
  const name = groupNameOf(one);
  if (name === undefined || name !== groupNameOf(other)) return false;
  return one.metadata.namespace === other.metadata.namespace;
}

function groupKey({ metadata }: Pod, name: string): string {
  return `${metadata.namespace ?? 'default'}/${name}`;
}

function isNot(pod: Pod): (other: Pod) => boolean {
  return (other) => other.metadata.uid !== pod.metadata.uid;
}
