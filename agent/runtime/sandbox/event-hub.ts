/**
 * What happens to sandboxes and containers, to any number of listeners. A listener that reads too
 * slowly is dropped: it never holds up the runtime, nor does its backlog grow without end.
 */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { ContainerEvent, Input } from '../../../proto/cri/types.ts';

/** Events that wait for one listener: a kubelet's pods all changing at once, several times. */
const BACKLOG_MAX = 2_000;

export type OutgoingEvent = Input<ContainerEvent>;

interface Listener {
  readonly backlog: OutgoingEvent[];
  isOverrun: boolean;
  wake: () => void;
}

export class EventHub {
  readonly #listeners = new Set<Listener>();

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  publish(event: OutgoingEvent): void {
    for (const listener of this.#listeners) {
      if (listener.backlog.length < BACKLOG_MAX) listener.backlog.push(event);
      else listener.isOverrun = true;
      listener.wake();
    }
  }

  /** Events from the call on, until the signal is aborted. Throws when this listener is too slow. */
  async *listen(signal: AbortSignal): AsyncGenerator<OutgoingEvent, void> {
    const listener: Listener = { backlog: [], isOverrun: false, wake: () => undefined };
    this.#listeners.add(listener);
    const onAbort = (): void => listener.wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (listener.isOverrun) {
          throw new CriError('RESOURCE_EXHAUSTED', 'events were not read in time: list again');
        }
        const event = listener.backlog.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (listener.wake = resolve));
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
