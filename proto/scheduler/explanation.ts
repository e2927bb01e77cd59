/**
 * What the scheduler says of one of its decisions, as JSON over HTTP: `GET
 * /explain/v1/namespaces/NAMESPACE/pods/NAME?limit=N&node=NAME`; and of its policies: `GET /policies/v1`.
 */

export interface PodExplanation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** The profile that decides: `spec.schedulerName`. */
  readonly profile: string;
  /** `waiting`: it has a node in the scheduler's eyes, which isn't bound yet. */
  readonly state: 'scheduled' | 'waiting' | 'pending' | 'gated';
  readonly nodeName?: string;
  /** Of the whole cluster. */
  readonly nodeCount: number;
  /** The last one that is remembered. */
  readonly decision?: DecisionSummary;
  /** Whose scores the nodes have, in this order. */
  readonly plugins: readonly { readonly name: string; readonly weight: number }[];
  /** Highest total first, then those that were turned down. */
  readonly nodes: readonly NodeVerdict[];
  /** Nodes that are left out here by the limit. */
  readonly leftOut: number;
  /** Of a pending pod: changes that would let it run, cheapest first. */
  readonly remedies: readonly Remedy[];
  /** What else one must know to read this. */
  readonly notes: readonly string[];
}

export interface DecisionSummary {
  /** RFC 3339. */
  readonly at: string;
  /** The event's text, when there was no node. */
  readonly message?: string;
  readonly chosen?: string;
  /** How many nodes were scored; 0: only one was feasible, or it had been nominated. */
  readonly scored: number;
  /** Nodes with the highest total, the chosen one among them. */
  readonly ties: readonly string[];
  readonly tieBreak: string;
  /** How far the next node was behind; absent: there was none. 0 when there were ties. */
  readonly margin?: number;
  readonly runnerUp?: string;
}

export interface NodeVerdict {
  readonly name: string;
  readonly verdict: 'chosen' | 'feasible' | 'rejected';
  /** Whether this is what was found then, or what is so now. */
  readonly asOf: 'decision' | 'now';
  readonly objections: readonly Objection[];
  /** 0 to 100 each, normalised, before the weight; in the order of `plugins`. */
  readonly scores?: readonly number[];
  /** Their weighted sum. */
  readonly total?: number;
}

export interface Objection {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** Evicting pods can't help. */
  readonly isUnresolvable: boolean;
}

export interface Remedy {
  readonly node: string;
  /** All of them are needed: `free 300m cpu on node-2`. */
  readonly changes: readonly string[];
  /** Lower is easier; docs/scheduler.md has the order. */
  readonly cost: number;
}

export interface PolicyReport {
  readonly file: string;
  readonly name?: string;
  readonly description?: string;
  readonly state: 'loading' | 'running' | 'stopped' | 'broken';
  readonly problem?: string;
  readonly decisions: number;
  readonly stops: number;
}

/** The scheduler's port for HTTPS. Source: kubernetes pkg/cluster/ports, v1.36. */
export const SCHEDULER_PORT = 10_259;
