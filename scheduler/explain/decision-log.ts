/**
 * The last decisions, for people who ask. Recording costs the copy of the scores; everything else is
 * computed when somebody asks. Bounded in number and in bytes: the oldest are forgotten.
 */

import { fitErrorMessage } from '../diagnosis.ts';
import type { PolicyVerdict } from '../policy/sandboxed-policy.ts';
import type { Decision } from '../schedule-one.ts';

/** A decision in few bytes. */
export interface DecisionRecord {
  readonly uid: string;
  readonly atMs: number;
  readonly tieBreak: string;
  readonly outcome:
    | { readonly kind: 'node'; readonly nodeName: string; readonly scored: ScoredNodes }
    | { readonly kind: 'none'; readonly message: string; readonly statuses: NodeReasons };
}

export interface ScoredNodes {
  /** Empty when nothing was scored. */
  readonly names: readonly string[];
  readonly plugins: readonly { readonly name: string; readonly weight: number }[];
  /** Those of the first plugin in the order of the names, then of the second. */
  readonly scores: Uint8Array | Float32Array;
}

/** Why nodes were turned down; only kept when it can't be computed again here. */
export type NodeReasons = ReadonlyMap<
  string,
  { readonly plugin?: string; readonly reasons: readonly string[] }
>;

/** As the framework gives them. */
export interface ScoresOfPlugin {
  readonly plugin: string;
  readonly weight: number;
  /** In the order of the nodes. */
  readonly scores: ArrayLike<number>;
}

export interface DecisionLogLimits {
  readonly records: number;
  readonly bytes: number;
}

/** At 5,000 nodes a decision has about 8 KB: the bytes are the tighter one there. */
export const DECISION_LOG_LIMITS: DecisionLogLimits = { records: 4_096, bytes: 24 * 1024 * 1024 };
/** What a record has besides its arrays, and a reference in an array. */
const RECORD_BYTES = 300;
const REFERENCE_BYTES = 8;
/** Of a node with its reasons in a map. */
const REASON_BYTES = 64;

export class DecisionLog {
  readonly #limits: DecisionLogLimits;
  /** By uid, oldest first. */
  readonly #records = new Map<string, DecisionRecord>();
  #bytes = 0;

  constructor(limits: DecisionLogLimits = DECISION_LOG_LIMITS) {
    this.#limits = limits;
  }

  get size(): { readonly records: number; readonly bytes: number } {
    return { records: this.#records.size, bytes: this.#bytes };
  }

  get(uid: string): DecisionRecord | undefined {
    return this.#records.get(uid);
  }

  /** In place of what is known of the pod. */
  record(record: DecisionRecord | undefined): void {
    if (record === undefined) return;
    this.forget(record.uid);
    this.#records.set(record.uid, record);
    this.#bytes += bytesOf(record);
    const { records, bytes } = this.#limits;
    for (const [uid] of this.#records) {
      if (this.#records.size <= records && this.#bytes <= bytes) break;
      this.forget(uid);
    }
  }

  forget(uid: string): void {
    const record = this.#records.get(uid);
    if (record === undefined) return;
    this.#records.delete(uid);
    this.#bytes -= bytesOf(record);
  }
}

/** What is to be remembered of a decision; an error is none. */
export function recordOf(
  uid: string,
  decision: Decision,
  more: { readonly atMs: number; readonly tieBreak: string },
): DecisionRecord | undefined {
  switch (decision.kind) {
    case 'error':
      return undefined;
    case 'none': {
      const message = fitErrorMessage(decision.diagnosis);
      return { uid, ...more, outcome: { kind: 'none', message, statuses: new Map() } };
    }
    case 'node': {
      const { nodeName, feasible, scores } = decision;
      const scored = scoredNodes(feasible, scores);
      return { uid, ...more, outcome: { kind: 'node', nodeName, scored } };
    }
  }
}

/** Of a policy's verdict, whose ties are broken as the policy says. */
export function recordOfVerdict(
  uid: string,
  verdict: PolicyVerdict,
  atMs: number,
): DecisionRecord | undefined {
  if (verdict.kind === 'unavailable') return undefined;
  const { outcome, tieBreak } = verdict;
  if (outcome.kind === 'none') {
    const { message, statuses } = outcome;
    return { uid, atMs, tieBreak, outcome: { kind: 'none', message, statuses } };
  }
  const { nodeName, feasible, scores } = outcome;
  const scored = scoredNodes(feasible, scores);
  return { uid, atMs, tieBreak, outcome: { kind: 'node', nodeName, scored } };
}

/** Scores are whole numbers up to 100, but for a policy that gives fractions. */
export function scoredNodes(
  names: readonly string[],
  plugins: readonly ScoresOfPlugin[],
): ScoredNodes {
  const count = names.length;
  const scores = new Uint8Array(plugins.length * count);
  const weights = plugins.map(({ plugin, weight }) => ({ name: plugin, weight }));
  for (const [at, { scores: own }] of plugins.entries()) {
    if (!areWhole(own)) return { names, plugins: weights, scores: exact(names, plugins) };
    scores.set(own, at * count);
  }
  return { names, plugins: weights, scores };
}

function areWhole(scores: ArrayLike<number>): boolean {
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] ?? 0;
    if (score !== (score | 0)) return false;
  }
  return true;
}

function exact(
  names: readonly string[],
  plugins: readonly { readonly scores: ArrayLike<number> }[],
): Float32Array {
  const scores = new Float32Array(plugins.length * names.length);
  for (const [at, plugin] of plugins.entries()) {
    for (let index = 0; index < names.length; index += 1) {
      scores[at * names.length + index] = plugin.scores[index] ?? 0;
    }
  }
  return scores;
}

function bytesOf({ outcome }: DecisionRecord): number {
  if (outcome.kind === 'none') return RECORD_BYTES + outcome.statuses.size * REASON_BYTES;
  const { names, scores } = outcome.scored;
  return RECORD_BYTES + names.length * REFERENCE_BYTES + scores.byteLength;
}
