/** `skiff cordon`, `uncordon` and `drain`: taking a node out of service, and back. */

import type { Command } from 'commander';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { nodes, pods } from '../../proto/api/gen/resources.ts';
import { controllerOf, type KubernetesObject, keyOf } from '../../proto/api/meta.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { ApiError, isNotFound } from '../../proto/api/status-error.ts';
import type { Session } from '../session.ts';
import { parseDuration } from './flags.ts';
import type { Runner } from './program.ts';

interface DrainFlags {
  readonly force?: boolean;
  readonly ignoreDaemonsets?: boolean;
  readonly deleteEmptydirData?: boolean;
  readonly gracePeriod: number;
  readonly timeout: string;
}

const POLL_MS = 100;
/** How long a disruption budget that says no is asked again after. Source: kubectl pkg/drain. */
const BUDGET_RETRY_MS = 5_000;

export function addNode(program: Command, run: Runner): void {
  program
    .command('cordon <node...>')
    .description('keep new pods off a node')
    .action(run((session, names: string[]) => setUnschedulable(session, names, true)));
  program
    .command('uncordon <node...>')
    .description('let new pods onto a node again')
    .action(run((session, names: string[]) => setUnschedulable(session, names, false)));
  program
    .command('drain <node...>')
    .description('cordon a node and evict its pods')
    .option('--force', 'also pods that nothing would make again')
    .option('--ignore-daemonsets', 'leave pods of DaemonSets')
    .option('--delete-emptydir-data', 'also pods with emptyDir volumes, whose data is lost')
    .option('--grace-period <seconds>', "seconds to end by itself (-1: the pod's own)", Number, -1)
    .option('--timeout <duration>', 'give up after this long (0s: never)', '0s')
    .action(run((session, names: string[], flags: DrainFlags) => drain(session, names, flags)));
}

async function setUnschedulable(
  session: Session,
  names: readonly string[],
  wanted: boolean,
): Promise<void> {
  const word = wanted ? 'cordoned' : 'uncordoned';
  for (const name of names) {
    const node = await session.client.get(nodes, { name }, session.signal);
    if ((node.spec.unschedulable === true) === wanted) {
      session.out(`node/${name} already ${word}\n`);
      continue;
    }
    const body = { spec: { unschedulable: wanted ? true : null } };
    const options = { fieldManager: 'skiff' };
    await session.client.patch(nodes, { name }, 'merge', body, options, session.signal);
    session.out(`node/${name} ${word}\n`);
  }
}

async function drain(session: Session, names: readonly string[], flags: DrainFlags): Promise<void> {
  await setUnschedulable(session, names, true);
  for (const name of names) {
    const options = { fieldSelector: `spec.nodeName=${name}` };
    const { items } = await session.client.list(pods, options, session.signal);
    const { evicted, refused } = sortPods(items, flags);
    if (refused.length > 0) {
      throw new Error(`unable to drain node "${name}": cannot delete ${refused.join('; ')}`);
    }
    const timeoutMs = parseDuration(flags.timeout);
    const limit =
      timeoutMs === 0 ? Number.POSITIVE_INFINITY : session.clock.monotonicMs() + timeoutMs;
    await Promise.all(evicted.map((pod) => evict(session, pod, flags.gracePeriod, limit)));
    session.out(`node/${name} drained\n`);
  }
}

/** Source: kubectl pkg/drain/filters.go, v0.36. */
function sortPods(
  items: readonly Pod[],
  flags: DrainFlags,
): { readonly evicted: readonly Pod[]; readonly refused: readonly string[] } {
  const evicted: Pod[] = [];
  const refused: string[] = [];
  for (const pod of items) {
    const owner = controllerOf(pod as KubernetesObject);
    const isOver = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if (owner?.kind === 'DaemonSet') {
      if (flags.ignoreDaemonsets !== true) {
        refused.push(`DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${keyOf(pod)}`);
      }
    } else if (!isOver && owner === undefined && flags.force !== true) {
      refused.push(`Pods that declare no controller (use --force to override): ${keyOf(pod)}`);
    } else if (!isOver && hasEmptyDir(pod) && flags.deleteEmptydirData !== true) {
      refused.push(
        `Pods with local storage (use --delete-emptydir-data to override): ${keyOf(pod)}`,
      );
    } else evicted.push(pod);
  }
  return { evicted, refused };
}

function hasEmptyDir(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some((volume) => volume.emptyDir !== undefined);
}

async function evict(session: Session, pod: Pod, grace: number, limitMs: number): Promise<void> {
  const { client, clock, signal } = session;
  const { name, namespace = '', uid } = pod.metadata;
  const path = resourcePath(pods, { namespace, name });
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    ...(grace >= 0 ? { deleteOptions: { gracePeriodSeconds: grace } } : {}),
  };
  session.out(`evicting pod ${namespace}/${name}\n`);
  for (;;) {
    try {
      await client.request('POST', `${path}/eviction`, body, {}, signal);
      break;
    } catch (error) {
      if (isNotFound(error)) break;
      if (!(error instanceof ApiError) || error.code !== 429) throw error;
      session.err(`error when evicting pod "${name}" (will retry after 5s): ${error.message}\n`);
      if (clock.monotonicMs() + BUDGET_RETRY_MS > limitMs) throw error;
      await clock.after(BUDGET_RETRY_MS, signal);
    }
  }
  while (!signal.aborted) {
    try {
      const current = await client.get(pods, { namespace, name }, signal);
      if (current.metadata.uid !== uid) break;
    } catch (error) {
      if (isNotFound(error)) break;
      throw error;
    }
    if (clock.monotonicMs() > limitMs)
      throw new Error(`timed out waiting for pod "${name}" to end`);
    await clock.after(POLL_MS, signal);
  }
  session.out(`pod/${name} evicted\n`);
}
