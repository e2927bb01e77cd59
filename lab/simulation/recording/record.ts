/** Watches a cluster and records what happens in it. */

import type { Clock } from '../../../base/clock.ts';
import { isoTime } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Client } from '../../../client/client.ts';
import { Informer } from '../../../client/informer.ts';
import { nodes, pods, replicasets, services } from '../../../proto/api/gen/resources.ts';
import { newPeerSelector } from '../../../scheduler/peer-selector.ts';
import { Recorder } from './recorder.ts';
import type { Recording } from './recording.ts';

export interface RecordDeps {
  readonly client: Pick<Client, 'list' | 'watch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When the first lists are in: from now on nothing is missed. */
  readonly onReady?: (nodes: number, pods: number) => void;
}

/** Until the signal is aborted. Rejects when that was before the first lists. */
export async function record(deps: RecordDeps, signal: AbortSignal): Promise<Recording> {
  const { clock } = deps;
  const informers = {
    services: new Informer(deps, services, {
      indexers: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
    }),
    replicaSets: new Informer(deps, replicasets),
    nodes: new Informer(deps, nodes),
    pods: new Informer(deps, pods),
  };
  const recorder = new Recorder(newPeerSelector(informers.services, informers.replicaSets));
  const ended = Promise.all(Object.values(informers).map((informer) => informer.run(signal)));
  await Promise.all(Object.values(informers).map(({ hasSynced }) => hasSynced));
  const startedAt = isoTime(clock.wallMs());
  const startMs = clock.monotonicMs();
  // What is there is of the time 0, whatever comes is after it.
  let isFirst = true;
  const nowMs = (): number =>
    isFirst ? 0 : Math.max(1, Math.round(clock.monotonicMs() - startMs));
  informers.nodes.addHandler({
    onAdd: (node) => recorder.seeNode(node, nowMs()),
    onUpdate: (_, node) => recorder.seeNode(node, nowMs()),
    onDelete: ({ metadata }) => recorder.loseNode(metadata.name, nowMs()),
  });
  informers.pods.addHandler({
    onAdd: (pod) => recorder.seePod(pod, nowMs()),
    onUpdate: (_, pod) => recorder.seePod(pod, nowMs()),
    onDelete: (pod) => recorder.losePod(pod, nowMs()),
  });
  isFirst = false;
  deps.onReady?.(informers.nodes.size, informers.pods.size);
  await ended;
  return recorder.take(startedAt, nowMs());
}
