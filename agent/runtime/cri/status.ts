/** Status: whether pods can be run. Only features that work are advertised. */

import type { NetworkReadiness } from '../network/pod-network.ts';
import { hasUserNamespaces } from '../sandbox/user-namespace.ts';
import type { Rpc } from './rpc.ts';

export const status: Rpc<'Status'> = async ({ runtime }, { verbose }) => ({
  status: {
    conditions: [
      { type: 'RuntimeReady', status: true, reason: '', message: '' },
      networkCondition(runtime.parts.network.readiness()),
    ],
  },
  runtime_handlers: [
    {
      name: '',
      features: { recursive_read_only_mounts: true, user_namespaces: hasUserNamespaces() },
    },
  ],
  features: { supplemental_groups_policy: true },
  info: verbose ? { config: JSON.stringify({ dataDir: runtime.parts.dataDir }) } : {},
});

function networkCondition(readiness: NetworkReadiness) {
  const type = 'NetworkReady';
  if (readiness.isReady) return { type, status: true, reason: '', message: '' };
  return { type, status: false, reason: readiness.reason, message: readiness.message };
}
