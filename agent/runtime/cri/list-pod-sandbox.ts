/** ListPodSandbox: an unknown id is an empty list. */

import { matchesSandbox } from './filters.ts';
import { sandboxMessage } from './messages.ts';
import type { Rpc } from './rpc.ts';

export const listPodSandbox: Rpc<'ListPodSandbox'> = async ({ runtime }, { filter }) => ({
  items: runtime.parts.state
    .sandboxes()
    .filter((record) => matchesSandbox(record, filter))
    .map(sandboxMessage),
});
