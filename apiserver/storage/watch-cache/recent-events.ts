/** The last events of a watch cache, in a ring, so that a watch can begin a little in the past. */

/**
 * How many events are kept for each resource. Each holds a version of an object that would be
 * garbage else: at 5 KiB a decoded object, 20 MiB for a busy resource.
 */
export const RECENT_EVENTS_MAX = 4096;

export class RecentEvents<E extends { readonly revision: number }> {
  readonly #max: number;
  #events: E[] = [];
  /** Where the oldest is, once the ring is full. */
  #first = 0;
  #startRevision: number;

  /** Everything after `revision` will be added. */
  constructor(revision: number, max = RECENT_EVENTS_MAX) {
    this.#startRevision = revision;
    this.#max = max;
  }

  /** Every event after this revision is here. */
  get startRevision(): number {
    return this.#startRevision;
  }

  add(event: E): void {
    if (this.#events.length < this.#max) {
      this.#events.push(event);
      return;
    }
    this.#startRevision = this.#events[this.#first]?.revision ?? this.#startRevision;
    this.#events[this.#first] = event;
    this.#first = (this.#first + 1) % this.#max;
  }

  /** The events after a revision, in order; undefined when some of them are gone. */
  after(revision: number): readonly E[] | undefined {
    if (revision < this.#startRevision) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#at(middle)?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    const events: E[] = [];
    for (let index = low; index < this.#events.length; index += 1) {
      const event = this.#at(index);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #at(index: number): E | undefined {
    return this.#events[(this.#first + index) % this.#events.length];
  }
}
