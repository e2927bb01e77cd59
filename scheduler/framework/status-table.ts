/**
 * Statuses as small numbers, so that a verdict for each of thousands of nodes is a column of numbers,
 * and reasons are counted without looking at the nodes.
 */

import type { Status } from './status.ts';

/** The number of "no objection". */
export const FITS = 0;
/** Different statuses before all are forgotten: reasons are few, unless a plugin numbers them. */
const STATUSES_MAX = 4_096;

export class StatusTable {
  #statuses: Status[] = [{ code: 'Skip', reasons: [] }];
  /** Which of the filters said it, by the status's number. */
  #filters: number[] = [-1];
  readonly #numbers = new Map<string, number>();
  /** The last number that each filter was given: the next is most often the same. */
  readonly #last: number[] = [];

  /** By number; the list is never changed but at its end. */
  get statuses(): readonly Status[] {
    return this.#statuses;
  }

  get isFull(): boolean {
    return this.#statuses.length > STATUSES_MAX;
  }

  /** Numbers that were given must not be used any more. */
  clear(): void {
    this.#statuses = [{ code: 'Skip', reasons: [] }];
    this.#filters = [-1];
    this.#numbers.clear();
    this.#last.length = 0;
  }

  filterOf(number: number): number {
    return this.#filters[number] ?? -1;
  }

  /** The number of what a filter, by its place among the filters (-1: none of them), has said. */
  numberOf(status: Status, filter: number, plugin: string): number {
    const last = this.#last[filter];
    if (last !== undefined && isSame(this.#statuses[last], status, plugin)) return last;
    const key = JSON.stringify([plugin, status.code, status.reasons]);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#statuses.length;
      this.#statuses.push({ ...status, plugin });
      this.#filters.push(filter);
      this.#numbers.set(key, number);
    }
    this.#last[filter] = number;
    return number;
  }
}

function isSame(known: Status | undefined, status: Status, plugin: string): boolean {
  if (known?.plugin !== plugin || known.code !== status.code) return false;
  if (known.reasons.length !== status.reasons.length) return false;
  return known.reasons.every((reason, index) => reason === status.reasons[index]);
}
