/** The pod that is meant by `POD`, `pod/POD`, or by an object that owns pods: `deploy/NAME`. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { LabelSelector } from '../../proto/api/gen/meta-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { formatLabelSelector, requirementsOf } from '../../proto/api/label-selector.ts';
import { CliUsageError, type Session } from '../session.ts';
import { ResourceMapper } from './resource-mapper.ts';
import { parseOne } from './targets.ts';

/** Of an owner's pods the first that runs, else the first; throws when there is none. */
export async function findPod(session: Session, target: string): Promise<Pod> {
  const { client, namespace, signal } = session;
  if (!target.includes('/')) return client.get(pods, { namespace, name: target }, signal);
  const mapper = await ResourceMapper.discover(client, signal);
  const { resource, name } = parseOne([target], mapper, 'pods');
  if (resource.plural === 'pods') return client.get(pods, { namespace, name }, signal);
  const owner = (await client.get(resource, { namespace, name }, signal)) as {
    readonly spec?: { readonly selector?: LabelSelector };
  };
  if (owner.spec?.selector === undefined) {
    throw new CliUsageError(`${target} has no pods: name a pod, or an object that makes them`);
  }
  const labelSelector = formatLabelSelector(requirementsOf(owner.spec.selector));
  const { items } = await client.list(pods, { namespace, labelSelector }, signal);
  const pod = items.find((item) => item.status.phase === 'Running') ?? items[0];
  if (pod === undefined) throw new Error(`${target} has no pods yet`);
  return pod;
}
