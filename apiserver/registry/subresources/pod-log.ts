/**
 * `log` of pods: what a container wrote, read from the agent of the pod's node and passed on as it
 * comes.
 * Source: kubernetes pkg/registry/core/pod/rest/log.go, pkg/apis/core/validation
 * `ValidatePodLogOptions`, v1.36.
 */

import { pipeline } from 'node:stream/promises';
import { pods } from '../../../proto/api/gen/resources.ts';
import { type FieldError, invalid } from '../../../proto/api/status-error.ts';
import { parseTime } from '../../../proto/api/time.ts';
import { forbiddenField, invalidField } from '../../../proto/api/validation.ts';
import { textAnswer } from '../../http/answer.ts';
import type { ActionSubresource } from '../subresource.ts';
import { chooseContainer } from './choose-container.ts';
import { type AgentCredentials, agentAddress, getFromAgent } from './node-agent.ts';

/** Passed on to the agent under the same names. */
const OPTIONS = [
  'follow',
  'previous',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'tailLines',
  'limitBytes',
] as const;
const LEAST: Readonly<Record<string, number>> = { sinceSeconds: 1, tailLines: 0, limitBytes: 1 };

export function podLog(credentials: AgentCredentials): ActionSubresource {
  return {
    type: 'action',
    resource: pods,
    name: 'log',
    verbs: ['get'],

    async handle({ request, target, objects }) {
      const { query, signal } = request;
      const problems = logOptionErrors(query);
      if (problems.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, '', problems);
      const pod = await objects.get(pods, target);
      const container = chooseContainer(pod, query.get('container') ?? '');
      const nodeName = String(pod.spec?.nodeName ?? '');
      // A pod that is on no node yet has written nothing.
      if (nodeName === '') return textAnswer(200, '');
      const path = logPath(target.namespace ?? '', target.name, container, query);
      const agent = await agentAddress(objects, nodeName);
      const log = await getFromAgent(agent, path, credentials, signal);
      return {
        kind: 'stream',
        code: 200,
        contentType: 'text/plain',
        write: (response, ended) => pipeline(log, response, { signal: ended, end: false }),
      };
    },
  };
}

export function logPath(
  namespace: string,
  pod: string,
  container: string,
  query: URLSearchParams,
): string {
  const options = new URLSearchParams();
  for (const name of OPTIONS) {
    const value = query.get(name);
    if (value !== null && value !== '' && value !== 'false') options.set(name, value);
  }
  const text = options.size === 0 ? '' : `?${options}`;
  return `/containerLogs/${namespace}/${pod}/${container}${text}`;
}

export function logOptionErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, least] of Object.entries(LEAST)) {
    const text = query.get(name);
    if (text === null) continue;
    const value = Number(text);
    if (!Number.isInteger(value)) errors.push(invalidField(name, text, 'must be an integer'));
    else if (value < least) {
      const why = `must be greater than or equal to ${least}`;
      errors.push(invalidField(name, value, why));
    }
  }
  const since = query.get('sinceTime');
  if (since === null) return errors;
  if (parseTime(since) === undefined) {
    errors.push(invalidField('sinceTime', since, 'must be an RFC 3339 time'));
  }
  if (query.has('sinceSeconds')) {
    const why = 'at most one of `sinceTime` or `sinceSeconds` may be specified';
    errors.push(forbiddenField('sinceSeconds', why));
  }
  return errors;
}
