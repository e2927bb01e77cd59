/**
 * `exec` and `attach` of pods. The API server decides who may and which container is meant; then it
 * opens a connection to the agent of the pod's node, hands the client's upgrade over, and copies bytes
 * both ways. What it is upgraded to, SPDY/3.1 or WebSocket, is spoken by the node's runtime.
 *
 * Source: kubernetes pkg/registry/core/pod/rest/subresources.go, v1.36.
 */

import { pods } from '../../../proto/api/gen/resources.ts';
import { badRequest } from '../../../proto/api/status-error.ts';
import type { ApiObject } from '../strategy.ts';
import type { ActionContext, ActionSubresource } from '../subresource.ts';
import { chooseContainer } from './choose-container.ts';
import { type AgentCredentials, agentAddress, nodeOf } from './node-agent.ts';
import { relayUpgrade } from './relay-upgrade.ts';

const STREAMS = ['stdin', 'stdout', 'stderr', 'tty'] as const;

type Command = 'exec' | 'attach';

export function podExec(name: Command, credentials: AgentCredentials): ActionSubresource {
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
      const agent = await agentAddress(objects, nodeOf(pod));
      await relayUpgrade(agent, path, credentials, upgrade, request.signal);
    },
  };
}

/** Throws when the pod can't be reached, or it is not clear which container is meant. */
function pathOnAgent(pod: ApiObject, context: ActionContext, name: Command): string {
  const { target } = context;
  const { query } = context.request;
  const container = chooseContainer(pod, query.get('container') ?? '');
  nodeOf(pod);
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
