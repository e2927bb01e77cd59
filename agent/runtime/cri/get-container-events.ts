/** GetContainerEvents: what happens from now on, until the client goes. */

import type { OutgoingEvent } from '../sandbox/event-hub.ts';
import type { Services } from './rpc.ts';

export function getContainerEvents(
  { runtime }: Services,
  signal: AbortSignal,
): AsyncIterable<OutgoingEvent> {
  return runtime.parts.events.listen(signal);
}
