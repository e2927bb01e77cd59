/** The state of the cluster at each whole percent of the capacity that has been asked for. */

import type { ShareSeries } from '../result/run-result.ts';
import type { GpuFragmentation } from './cluster-meter.ts';
import { Growing } from './growing.ts';

/** Arrivals far beyond what the cluster has show nothing more. */
const PERCENT_MAX = 300;

export interface ShareState {
  /** By resource, 0 to 1. */
  readonly allocated: readonly number[];
  readonly fragmentation: GpuFragmentation | undefined;
  readonly unplaced: number;
}

export class ShareRecorder {
  readonly #resource: string;
  readonly #capacity: number;
  readonly #allocated: readonly Growing<Float64Array>[];
  readonly #fragmentation = new Growing((length) => new Float64Array(length));
  readonly #ofTotal = new Growing((length) => new Float64Array(length));
  readonly #unplaced = new Growing((length) => new Float64Array(length));
  #next = 0;

  constructor(resource: string, capacity: number, resources: number) {
    this.#resource = resource;
    this.#capacity = capacity;
    this.#allocated = Array.from(
      { length: resources },
      () => new Growing((length) => new Float64Array(length)),
    );
  }

  /** So much of the axis resource has been asked for by those who came; the state is looked at when due. */
  arrived(amount: number, stateOf: () => ShareState): void {
    if (this.#capacity === 0) return;
    const percent = Math.min(PERCENT_MAX, Math.floor((100 * amount) / this.#capacity + 1e-9));
    if (percent < this.#next) return;
    const { allocated, fragmentation, unplaced } = stateOf();
    for (; this.#next <= percent; this.#next += 1) {
      for (const [index, column] of this.#allocated.entries()) column.push(allocated[index] ?? 0);
      if (fragmentation !== undefined) {
        this.#fragmentation.push(fragmentation.ofIdle);
        this.#ofTotal.push(fragmentation.ofTotal);
      }
      this.#unplaced.push(unplaced);
    }
  }

  take(): ShareSeries {
    return {
      resource: this.#resource,
      percent: Uint32Array.from({ length: this.#next }, (_, percent) => percent),
      allocated: this.#allocated.map((column) => column.take()),
      fragmentation: this.#fragmentation.take(),
      fragmentationOfTotal: this.#ofTotal.take(),
      unplaced: this.#unplaced.take(),
    };
  }
}
