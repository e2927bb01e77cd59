/**
 * `portforward` of pods: like `exec`, the upgraded connection is the node's, and only its bytes pass
 * through here. Clients of SPDY name a port for each connection, those of WebSocket channels in the query.
 *
 * Source: kubernetes pkg/registry/core/pod/rest/subresources.go, pod/strategy.go `PortForwardLocation`, v1.36.
 */

import { pods } from '../../../proto/api/gen/resources.ts';
import { badRequest } from '../../../proto/api/status-error.ts';
import type { ActionSubresource } from '../subresource.ts';
import { type AgentCredentials, agentAddress, nodeOf } from './node-agent.ts';
import { relayUpgrade } from './relay-upgrade.ts';

export function podPortForward(credentials: AgentCredentials): ActionSubresource {
  return {
    type: 'action',
    resource: pods,
    name: 'portforward',
    verbs: ['create', 'get'],
    optionsKind: { group: '', version: 'v1', kind: 'PodPortForwardOptions' },

    async handle(): Promise<never> {
      throw badRequest('Upgrade request required');
    },

    async connect({ request, target, objects }, upgrade) {
      const pod = await objects.get(pods, target);
      const path = forwardPath(target.namespace ?? '', target.name, request.query);
      const agent = await agentAddress(objects, nodeOf(pod));
      await relayUpgrade(agent, path, credentials, upgrade, request.signal);
    },
  };
}

/** The path and query that the agent serves this under. Throws when a port is none. */
export function forwardPath(namespace: string, pod: string, query: URLSearchParams): string {
  const options = new URLSearchParams();
  for (const port of query.getAll('ports').flatMap((list) => list.split(','))) {
    const number = Number(port);
    const isPort = /^[0-9]+$/.test(port) && number >= 1 && number <= 65_535;
    if (!isPort) throw badRequest(`"${port}" in the query is not a port`);
    options.append('port', port);
  }
  return `/portForward/${namespace}/${pod}${options.size === 0 ? '' : `?${options}`}`;
}
