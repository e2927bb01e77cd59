/** ContainerStats: an unknown id is NOT_FOUND. */

import { findContainer } from './find-container.ts';
import type { Rpc } from './rpc.ts';
import { containerStatsMessage } from './stats-messages.ts';

export const containerStats: Rpc<'ContainerStats'> = async (services, request) => ({
  stats: await containerStatsMessage(services, findContainer(services, request.container_id)),
});
