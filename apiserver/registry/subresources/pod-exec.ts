/**
 * `exec` and `attach` of pods. The API server decides who may and which container is meant; then it
 * opens a connection to the agent of the pod's node, hands the client's WebSocket upgrade over, and
 * copies bytes both ways. The WebSocket protocol itself is spoken by the node.
 *
 * Clients up to kubectl 1.29 ask for SPDY/3.1 instead, which is refused by name. Newer ones do so too
 * when their WebSocket was refused, and show the second answer only: it is the first one's reason.
 * Source: kubernetes pkg/registry/core/pod/rest/subresources.go, v1.36; RFC 6455 §4.
 */

import { pods } from '../../../proto/api/gen/resources.ts';
import { ApiError, badRequest } from '../../../proto/api/status-error.ts';
import type { ApiObject } from '../strategy.ts';
import type { ActionContext, ActionSubresource, UpgradeRequest } from '../subresource.ts';
import { chooseContainer } from './choose-container.ts';
import { type AgentCredentials, agentAddress } from './node-agent.ts';
import type { RecentRefusals } from './recent-refusals.ts';
import { relayUpgrade } from './relay-upgrade.ts';

const STREAMS = ['stdin', 'stdout', 'stderr', 'tty'] as const;

type Command = 'exec' | 'attach';

export function podExec(
  name: Command,
  credentials: AgentCredentials,
  refusals: RecentRefusals,
): ActionSubresource {
  const kind = name === 'exec' ? 'PodExecOptions' : 'PodAttachOptions';
  return {
    type: 'action',
    resource: pods,
    name,
    verbs: ['create', 'get'],
    optionsKind: { group: '', version: 'v1', kind },

    async handle(): Promise<never> {
      throw badRequest('Upgrade request required');
    },

    async connect(context, upgrade) {
      const { request, target, objects } = context;
      const pod = await objects.get(pods, target);
      const path = pathOnAgent(pod, context, name);
      const user = request.user.name;
      if (!isWebSocket(upgrade)) throw refusals.find(user, path) ?? notWebSocket(upgrade, name);
      try {
        const agent = await agentAddress(objects, String(pod.spec?.nodeName));
        await relayUpgrade(agent, path, credentials, upgrade, request.signal);
      } catch (error) {
        if (error instanceof ApiError) refusals.note(user, path, error);
        throw error;
      }
    },
  };
}

/** Throws when the pod can't be reached, or it is not clear which container is meant. */
function pathOnAgent(pod: ApiObject, context: ActionContext, name: Command): string {
  const { target } = context;
  const { query } = context.request;
  const container = chooseContainer(pod, query.get('container') ?? '');
  if ((pod.spec?.nodeName ?? '') === '') {
    throw badRequest(`pod ${target.name} does not have a host assigned`);
  }
  const phase = String(pod.status?.phase ?? '');
  if (phase === 'Succeeded' || phase === 'Failed') {
    const why = `cannot ${name} into a container in a completed pod; current phase is ${phase}`;
    throw badRequest(why);
  }
  return execPath(name, target.namespace ?? '', target.name, container, query);
}

/** The path and query that the agent serves this under. Throws when the client asks for nothing. */
export function execPath(
  name: Command,
  namespace: string,
  pod: string,
  container: string,
  query: URLSearchParams,
): string {
  const options = new URLSearchParams();
  const commands = query.getAll('command');
  if (name === 'exec') {
    if (commands.length === 0) throw badRequest('you must specify at least 1 command to execute');
    for (const part of commands) options.append('command', part);
  }
  const isTrue = (option: string) => query.get(option) === 'true' || query.get(option) === '1';
  const wanted = STREAMS.filter(isTrue);
  if (wanted.every((stream) => stream === 'tty')) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  // A terminal has one output.
  const isTty = wanted.includes('tty');
  for (const stream of wanted) {
    if (!(isTty && stream === 'stderr')) options.set(stream, 'true');
  }
  return `/${name}/${namespace}/${pod}/${container}?${options}`;
}

function isWebSocket({ message }: UpgradeRequest): boolean {
  return (message.headers.upgrade ?? '').toLowerCase() === 'websocket';
}

function notWebSocket({ message }: UpgradeRequest, name: Command): ApiError {
  return badRequest(
    `${name} over ${message.headers.upgrade ?? 'this protocol'} is not supported yet: it takes a client that speaks WebSocket, as kubectl does from version 1.30 on`,
  );
}
