/**
 * Which pods came to and left which nodes, in order, so that what was counted once can be kept true
 * without looking at all pods again. The latest changes only: who comes later counts anew.
 */

import type { PodInfo } from './pod-info.ts';

/** How many changes are kept. Counting this many anew is about as dear as looking at the cluster. */
export const POD_CHANGES_MAX = 8_192;

/** `times` is 1 when the pod came, -1 when it left. */
export type PodChangeVisitor = (pod: PodInfo, nodeIndex: number, times: 1 | -1) => void;

export class PodChangeLog {
  readonly #pods: (PodInfo | undefined)[] = [];
  readonly #nodes = new Int32Array(POD_CHANGES_MAX);
  readonly #times = new Int8Array(POD_CHANGES_MAX);
  #end = 0;

  /** How many changes there have been. */
  get end(): number {
    return this.#end;
  }

  append(pod: PodInfo, nodeIndex: number, times: 1 | -1): void {
    const place = this.#end % POD_CHANGES_MAX;
    this.#pods[place] = pod;
    this.#nodes[place] = nodeIndex;
    this.#times[place] = times;
    this.#end += 1;
  }

  /** Visits the changes since `end` was `from`; false, and no visit, when they aren't kept. */
  replay(from: number, visit: PodChangeVisitor): boolean {
    if (this.#end - from > POD_CHANGES_MAX) return false;
    for (let at = from; at < this.#end; at += 1) {
      const place = at % POD_CHANGES_MAX;
      const pod = this.#pods[place];
      if (pod !== undefined) {
        visit(pod, this.#nodes[place] ?? 0, (this.#times[place] ?? 1) < 0 ? -1 : 1);
      }
    }
    return true;
  }
}
