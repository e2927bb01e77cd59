/** The pod that is meant by `POD`, `pod/POD`, or by an object that selects pods: `deploy/NAME`, `svc/NAME`. */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { LabelSelector } from '../../proto/api/gen/meta-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { formatLabelSelector, requirementsOf } from '../../proto/api/label-selector.ts';
import { CliUsageError, type Session } from '../session.ts';
import { ResourceMapper } from './resource-mapper.ts';
import { parseOne } from './targets.ts';

interface Owner {
  readonly spec?: { readonly selector?: LabelSelector };
}

/** Of an owner's pods the first that runs, else the first; throws when there is none. */
export async function findPod(session: Session, target: string): Promise<Pod> {
  const { client, namespace, signal } = session;
  if (!target.includes('/')) return client.get(pods, { namespace, name: target }, signal);
  const mapper = await ResourceMapper.discover(client, signal);
  const { resource, name } = parseOne([target], mapper, 'pods');
  if (resource.plural === 'pods') return client.get(pods, { namespace, name }, signal);
  const owner = (await client.get(resource, { namespace, name }, signal)) as Owner;
  const selector = owner.spec?.selector;
  if (selector === undefined) {
    throw new CliUsageError(`${target} has no pods: name a pod, or an object that makes them`);
  }
  // A service's selector is the labels alone.
  const isPlain = resource.plural === 'services' && resource.group === '';
  const labels = isPlain ? { matchLabels: selector as Record<string, string> } : selector;
  const labelSelector = formatLabelSelector(requirementsOf(labels));
  const { items } = await client.list(pods, { namespace, labelSelector }, signal);
  const pod = items.find((item) => item.status.phase === 'Running') ?? items[0];
  if (pod === undefined) throw new Error(`${target} has no pods yet`);
  return pod;
}
