/** What has become of each pod, as it happens. */

import { NO_NODE, type PodOutcomes } from '../result/run-result.ts';

export class OutcomeRecorder {
  readonly #node: Int32Array;
  readonly #firstStartMs: Float64Array;
  readonly #endMs: Float64Array;
  readonly #attempts: Uint32Array;
  readonly #preempted: Uint32Array;
  readonly #failed: Uint32Array;
  readonly #lostMs: Float64Array;
  readonly #startMs: Float64Array;

  constructor(pods: number) {
    this.#node = new Int32Array(pods).fill(NO_NODE);
    this.#firstStartMs = new Float64Array(pods).fill(Number.NaN);
    this.#endMs = new Float64Array(pods).fill(Number.NaN);
    this.#attempts = new Uint32Array(pods);
    this.#preempted = new Uint32Array(pods);
    this.#failed = new Uint32Array(pods);
    this.#lostMs = new Float64Array(pods);
    this.#startMs = new Float64Array(pods).fill(Number.NaN);
  }

  attempt(pod: number): void {
    this.#attempts[pod] = (this.#attempts[pod] ?? 0) + 1;
  }

  start(pod: number, node: number, nowMs: number): void {
    this.#node[pod] = node;
    this.#startMs[pod] = nowMs;
    if (Number.isNaN(this.#firstStartMs[pod])) this.#firstStartMs[pod] = nowMs;
  }

  end(pod: number, nowMs: number): void {
    this.#endMs[pod] = nowMs;
    this.#startMs[pod] = Number.NaN;
  }

  /** It was thrown out, and has to begin again. */
  lose(pod: number, why: 'preempted' | 'failed', nowMs: number): void {
    const counts = why === 'preempted' ? this.#preempted : this.#failed;
    counts[pod] = (counts[pod] ?? 0) + 1;
    const ranMs = nowMs - (this.#startMs[pod] ?? nowMs);
    if (ranMs > 0) this.#lostMs[pod] = (this.#lostMs[pod] ?? 0) + ranMs;
    this.#startMs[pod] = Number.NaN;
  }

  /** Since when it runs; NaN when it doesn't. */
  startMs(pod: number): number {
    return this.#startMs[pod] ?? Number.NaN;
  }

  take(): PodOutcomes {
    return {
      node: this.#node,
      firstStartMs: this.#firstStartMs,
      endMs: this.#endMs,
      attempts: this.#attempts,
      preempted: this.#preempted,
      failed: this.#failed,
      lostMs: this.#lostMs,
    };
  }
}
