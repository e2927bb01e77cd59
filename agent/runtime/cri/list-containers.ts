/** ListContainers: an unknown id is an empty list. */

import { matchesContainer } from './filters.ts';
import { containerMessage } from './messages.ts';
import type { Rpc } from './rpc.ts';

export const listContainers: Rpc<'ListContainers'> = async ({ runtime }, { filter }) => ({
  containers: runtime.parts.state
    .containers()
    .filter((record) => matchesContainer(record, filter))
    .map(containerMessage),
});
