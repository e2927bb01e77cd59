/**
 * One probe of one run of a container, from its start to its end: asks each period, and turns
 * answers in a row into a verdict by the thresholds.
 *
 * Source: kubernetes pkg/kubelet/prober/worker.go, v1.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Probe } from '../../proto/api/gen/core-v1.ts';
import type { ProbeOutcome, ProbeTarget, RunProbe } from './run-probe.ts';

export type ProbeKind = 'liveness' | 'readiness' | 'startup';

const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_FAILURE_THRESHOLD = 3;

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly target: ProbeTarget;
  readonly startedAtMs: number;
  readonly clock: Clock;
  readonly runProbe: RunProbe;
  /** Whether it is this probe's turn: liveness and readiness wait for startup. */
  readonly isEnabled: () => boolean;
  readonly onVerdict: (success: boolean) => void;
  /** Every answer that isn't a success. */
  readonly onFailure: (outcome: ProbeOutcome) => void;
}

export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  #cancel: (() => void) | undefined;
  #stopped = false;
  #running = false;
  #streak = 0;
  #last: boolean | undefined;
  /** Undefined until a threshold is reached. */
  verdict: boolean | undefined;

  constructor(options: ProbeWorkerOptions, verdict?: boolean) {
    this.#options = options;
    this.verdict = verdict;
    const { probe, clock, startedAtMs } = options;
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000;
    this.#schedule(Math.max(0, startedAtMs + delayMs - clock.wallMs()));
  }

  get kind(): ProbeKind {
    return this.#options.kind;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Now instead of at the end of the period: what it waited for has happened. */
  hurry(): void {
    if (!this.#running && !this.#stopped) this.#schedule(0);
  }

  #schedule(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.schedule(ms, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { probe, clock, runProbe, target, isEnabled } = this.#options;
    const periodMs = (probe.periodSeconds ?? DEFAULT_PERIOD_SECONDS) * 1000;
    const startMs = clock.monotonicMs();
    if (isEnabled()) {
      this.#running = true;
      const outcome = await runProbe(probe, target);
      this.#running = false;
      if (this.#stopped) return;
      this.#count(outcome);
    }
    if (!this.#stopped) this.#schedule(Math.max(0, periodMs - (clock.monotonicMs() - startMs)));
  }

  #count(outcome: ProbeOutcome): void {
    if (outcome.result === 'unknown') return;
    const success = outcome.result === 'success';
    if (!success) this.#options.onFailure(outcome);
    this.#streak = success === this.#last ? this.#streak + 1 : 1;
    this.#last = success;
    const { probe, kind, onVerdict } = this.#options;
    const threshold = success
      ? (probe.successThreshold ?? 1)
      : (probe.failureThreshold ?? DEFAULT_FAILURE_THRESHOLD);
    if (this.#streak < threshold || this.verdict === success) return;
    this.verdict = success;
    // The container is going to be replaced, or has started: nothing more to ask.
    if ((kind !== 'readiness' && !success) || (kind === 'startup' && success)) this.stop();
    onVerdict(success);
  }
}
