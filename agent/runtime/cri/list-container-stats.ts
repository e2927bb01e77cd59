/** ListContainerStats: of those that run. */

import { hasPrefix, matchesLabels } from './filters.ts';
import type { Rpc } from './rpc.ts';
import { containerStatsMessage } from './stats-messages.ts';

export const listContainerStats: Rpc<'ListContainerStats'> = async (services, { filter }) => {
  const running = services.runtime.parts.state
    .containers()
    .filter(
      (record) =>
        record.phase === 'running' &&
        hasPrefix(record.id, filter?.id ?? '') &&
        hasPrefix(record.sandboxId, filter?.pod_sandbox_id ?? '') &&
        matchesLabels(record.labels, filter?.label_selector ?? {}),
    );
  const stats = running.map((record) => containerStatsMessage(services, record));
  return { stats: await Promise.all(stats) };
};
