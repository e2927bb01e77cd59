/** ListPodSandboxStats: of those that are ready. */

import { hasPrefix, matchesLabels } from './filters.ts';
import type { Rpc } from './rpc.ts';
import { sandboxStatsMessage } from './stats-messages.ts';

export const listPodSandboxStats: Rpc<'ListPodSandboxStats'> = async (services, { filter }) => {
  const { state, spawner } = services.runtime.parts;
  const namespaces = await spawner.client.request('listSandboxes', {});
  const pins = new Map(namespaces.map(({ sandboxId, net }) => [sandboxId, net]));
  const ready = state
    .sandboxes()
    .filter(
      (record) =>
        record.phase === 'ready' &&
        hasPrefix(record.id, filter?.id ?? '') &&
        matchesLabels(record.config.labels, filter?.label_selector ?? {}),
    );
  const stats = ready.map((record) => sandboxStatsMessage(services, record, pins.get(record.id)));
  return { stats: await Promise.all(stats) };
};
