/**
 * What the scheduler and the thread of a policy say to each other. All of it goes through structured
 * clone: plain data only, no functions, no errors.
 */

import type { ReplicaSet } from '../../../proto/api/gen/apps-v1.ts';
import type { Node, Pod, Service } from '../../../proto/api/gen/core-v1.ts';
import type { Status } from '../../framework/status.ts';
import type { Policy } from '../policy.ts';

/** Given to the thread as it starts. */
export interface WorkerStart {
  readonly file: string;
  readonly seed: number;
  /** Bytes outside the heap (buffers) above which the policy counts as leaking. */
  readonly externalBytesMax: number;
}

/** One change of the cluster, in the order they happened. */
export type ClusterChange =
  | { readonly kind: 'setNode'; readonly node: Node }
  | { readonly kind: 'removeNode'; readonly name: string }
  /** A pod on a node, bound or assumed. */
  | { readonly kind: 'setPod'; readonly pod: Pod }
  | { readonly kind: 'removePod'; readonly uid: string }
  | {
      readonly kind: 'setNamespace';
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'removeNamespace'; readonly name: string }
  | { readonly kind: 'setService'; readonly key: string; readonly service: Service }
  | { readonly kind: 'removeService'; readonly key: string }
  | { readonly kind: 'setReplicaSet'; readonly key: string; readonly replicaSet: ReplicaSet }
  | { readonly kind: 'removeReplicaSet'; readonly key: string };

/** Extension points after the decision that an own plugin may take part in. */
export type BindingPoint = 'preBind' | 'bind';

export type ToWorker =
  | { readonly kind: 'cluster'; readonly changes: readonly ClusterChange[] }
  | {
      readonly kind: 'decide';
      readonly id: number;
      readonly pod: Pod;
      /** Where its volumes can be had; absent: everywhere. */
      readonly volumeNodes?: readonly string[];
    }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly plugin: string;
      readonly point: BindingPoint;
      readonly uid: string;
    }
  /** The pod is bound (`postBind`), or its reservation is taken back (`unreserve`): it is forgotten. */
  | { readonly kind: 'over'; readonly point: 'unreserve' | 'postBind'; readonly uid: string };

export type FromWorker =
  | { readonly kind: 'ready'; readonly policy: PolicyFacts }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'decided'; readonly id: number; readonly outcome: WorkerOutcome }
  | { readonly kind: 'returned'; readonly id: number; readonly status?: Status }
  | PermitMessage
  /** The policy did what it must not: it is to be stopped. */
  | { readonly kind: 'fault'; readonly why: string };

/** A pod that waits at an own Permit plugin may go on, or must not. */
export interface PermitMessage {
  readonly kind: 'permit';
  readonly action: 'allow' | 'reject';
  readonly uid: string;
  readonly plugin: string;
  readonly why: string;
}

/** A policy without its code. */
export interface PolicyFacts extends Omit<Policy, 'plugins'> {
  readonly ownPlugins: readonly OwnPlugin[];
}

export interface OwnPlugin {
  readonly name: string;
  /** The extension points that it takes part in, by the names of their methods. */
  readonly points: readonly string[];
}

export type WorkerOutcome =
  | {
      readonly kind: 'node';
      readonly nodeName: string;
      /** Own Permit plugins that the pod waits for, with time-outs in milliseconds. */
      readonly waitingOn: ReadonlyMap<string, number>;
      readonly feasible: readonly string[];
      readonly scores: readonly ClonedScores[];
    }
  | {
      readonly kind: 'none';
      /** The text of its event. */
      readonly message: string;
      /** What its own plugins said of nodes: the scheduler can't ask them again. */
      readonly statuses: ReadonlyMap<string, Status>;
      readonly rejectedBy: ReadonlySet<string>;
      readonly nominatedNodeName?: string;
    };

export interface ClonedScores {
  readonly plugin: string;
  readonly weight: number;
  /** 0 to 100 each, in the order of the feasible nodes. */
  readonly scores: Float32Array;
}
