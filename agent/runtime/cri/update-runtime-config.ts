/** UpdateRuntimeConfig: accepted and ignored, as the pod network is given at the start. */

import type { Rpc } from './rpc.ts';

export const updateRuntimeConfig: Rpc<'UpdateRuntimeConfig'> = async () => ({});
