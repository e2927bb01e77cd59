/** ListPodSandboxStats: of those that are ready. */

import { hasPrefix, matchesLabels } from './filters.ts';
import type { Rpc } from './rpc.ts';
import { sandboxStatsMessage } from './stats-messages.ts';

export const listPodSandboxStats: Rpc<'ListPodSandboxStats'> = async (services, { filter }) => ({
  stats: services.runtime.parts.state
    .sandboxes()
    .filter(
      (record) =>
        record.phase === 'ready' &&
        hasPrefix(record.id, filter?.id ?? '') &&
        matchesLabels(record.config.labels, filter?.label_selector ?? {}),
    )
    .map((record) => sandboxStatsMessage(services, record)),
});
