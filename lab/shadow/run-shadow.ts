/** Watches a cluster, and lets a shadow decide for every pod that its scheduler decides for. Writes nothing. */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import {
  namespaces,
  nodes,
  poddisruptionbudgets,
  pods,
  replicasets,
  services,
} from '../../proto/api/gen/resources.ts';
import { newPeerSelector } from '../../scheduler/peer-selector.ts';
import { seededRandom } from '../../scheduler/seeded-random.ts';
import { VolumeInformers } from '../../scheduler/volume-informers.ts';
import { type Judgement, Shadow, type ShadowTotals } from './shadow.ts';
import type { ShadowPolicyMaker } from './shadow-policy.ts';

export interface RunShadowDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy: ShadowPolicyMaker;
  readonly seed: number;
  /** All that is there is known: from now on every decision is seen. */
  readonly onReady: (policy: string) => void;
  readonly onJudged: (judgement: Judgement, totals: ShadowTotals) => void;
}

/** Until the signal is aborted. Rejects with a ShadowFailure when the policy fails. */
export async function runShadow(deps: RunShadowDeps, signal: AbortSignal): Promise<ShadowTotals> {
  const { client, clock, seed } = deps;
  const informers = {
    pods: new Informer(deps, pods),
    nodes: new Informer(deps, nodes),
    namespaces: new Informer(deps, namespaces, { metadataOnly: true }),
    services: new Informer(deps, services, {
      indexers: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
    }),
    replicaSets: new Informer(deps, replicasets),
    budgets: new Informer(deps, poddisruptionbudgets),
  };
  const volumes = new VolumeInformers(deps);
  const policy = deps.policy({
    client,
    peersOf: newPeerSelector(informers.services, informers.replicaSets),
    namespaceLabels: (name) => informers.namespaces.get(name)?.metadata.labels ?? {},
    budgets: () => informers.budgets.list(),
    random: seededRandom(seed),
    volumes: { objects: volumes.objects, client, clock },
  });
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  const shadow: Shadow = new Shadow(policy, (judgement) => deps.onJudged(judgement, shadow.totals));
  /** A handler's failure would only be logged. */
  const guarded = (see: () => void): void => {
    if (until.aborted) return;
    try {
      see();
    } catch (error) {
      failed.abort(error);
    }
  };
  const all: readonly { run(signal: AbortSignal): Promise<void> }[] = [
    ...Object.values(informers),
    volumes,
  ];
  const ended = Promise.all(all.map((one) => one.run(until)));
  const synced = [...Object.values(informers).map(({ hasSynced }) => hasSynced), ...volumes.synced];
  await Promise.all(synced);
  informers.nodes.addHandler({
    onAdd: (node) => shadow.seeNode(node),
    onUpdate: (_, node) => shadow.seeNode(node),
    onDelete: ({ metadata }) => shadow.loseNode(metadata.name),
  });
  informers.pods.addHandler({
    onAdd: (pod) => guarded(() => shadow.seePod(pod)),
    onUpdate: (_, pod) => guarded(() => shadow.seePod(pod)),
    onDelete: ({ metadata }) => shadow.losePod(metadata.uid),
  });
  deps.onReady(policy.name);
  await ended;
  if (failed.signal.aborted) throw failed.signal.reason;
  return shadow.totals;
}
