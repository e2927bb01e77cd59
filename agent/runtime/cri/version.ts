/** Version: who we are. All four strings are non-empty, or clients refuse us. */

import type { Rpc } from './rpc.ts';

/** Of the kubelet's side of the API, not of the runtime. */
const KUBELET_API_VERSION = '0.1.0';
export const RUNTIME_NAME = 'skiff';
export const RUNTIME_VERSION = '0.1.0';

export const version: Rpc<'Version'> = async () => ({
  version: KUBELET_API_VERSION,
  runtime_name: RUNTIME_NAME,
  runtime_version: RUNTIME_VERSION,
  runtime_api_version: 'v1',
});
