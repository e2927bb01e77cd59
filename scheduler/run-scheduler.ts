/** The scheduler with its configured profiles, over informers of its own. */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import { Informer } from '../client/informer.ts';
import {
  namespaces,
  nodes,
  poddisruptionbudgets,
  pods,
  replicasets,
  services,
} from '../proto/api/gen/resources.ts';
import {
  DEFAULT_SCHEDULER_NAME,
  defaultConfiguration,
  type SchedulerConfiguration,
} from './config/configuration.ts';
import { frameworksOf } from './config/frameworks-of.ts';
import { defaultProfile, type ProfileDependencies } from './default-profile.ts';
import { Extenders } from './extenders/extenders.ts';
import { newPostJson } from './extenders/post-json.ts';
import type { Framework } from './framework/framework.ts';
import { newPeerSelector } from './peer-selector.ts';
import { GANG_SCHEDULING } from './plugins/gang-scheduling.ts';
import { PodGroupInformer } from './pod-group-informer.ts';
import { ClusterFeed } from './policy/cluster-feed.ts';
import { Policies } from './policy/policies.ts';
import type { WorkerLimits } from './policy/worker/policy-worker.ts';
import { Scheduler } from './scheduler.ts';
import { seededRandom } from './seeded-random.ts';
import type { TieBreak } from './select-node.ts';
import {
  type SchedulerAnswers,
  SchedulerServer,
  type SchedulerServerOptions,
} from './server/scheduler-server.ts';
import { VolumeInformers } from './volume-informers.ts';

export interface RunSchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent: upstream's defaults. */
  readonly configuration?: SchedulerConfiguration;
  /** Of profiles that don't say. */
  readonly tieBreak: TieBreak;
  /** Of what is random besides ties: where the search for victims begins. Default 1. */
  readonly seed?: number;
  /** Absent: none. */
  readonly policies?: PolicyFiles;
  /** Where it answers questions; absent: nowhere. */
  readonly server?: Omit<SchedulerServerOptions, 'answers' | 'logger'>;
}

/** Policies in TypeScript files. */
export interface PolicyFiles {
  readonly files: readonly string[];
  readonly seed: number;
  readonly limits?: WorkerLimits;
}

/** Pods that have ended take no room. */
const NOT_OVER = 'status.phase!=Succeeded,status.phase!=Failed';

/** Returns when the signal is aborted and all has ended. */
export async function runScheduler(
  options: RunSchedulerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, logger, tieBreak, configuration = defaultConfiguration() } = options;
  const dependencies = { client, clock, logger };
  const recorder = new EventRecorder({ ...dependencies, component: DEFAULT_SCHEDULER_NAME });
  const informers = newInformers(dependencies);
  const volumes = new VolumeInformers(dependencies);
  const podGroups = new PodGroupInformer(dependencies);
  const world: ProfileDependencies = {
    client,
    peersOf: newPeerSelector(informers.services, informers.replicaSets),
    namespaceLabels: (name) => informers.namespaces.get(name)?.metadata.labels ?? {},
    budgets: () => informers.budgets.list(),
    random: seededRandom(options.seed ?? 1),
    volumes: { objects: volumes.objects, client, clock },
    podGroups: podGroups.groups,
  };
  const frameworks = frameworksOf(configuration, world);
  const hasGangs = frameworks.some(schedulesGangs);
  const { extenders: configurations } = configuration;
  const extenders =
    configurations.length === 0
      ? undefined
      : new Extenders({ configurations, post: newPostJson(clock), logger });
  const files = options.policies;
  const policies =
    files === undefined || files.files.length === 0
      ? undefined
      : new Policies({
          ...dependencies,
          ...files,
          recorder,
          feed: new ClusterFeed(informers),
          defaults: defaultProfile(world),
          profiles: frameworks.map(({ profileName }) => profileName),
        });
  const scheduler = new Scheduler({
    ...dependencies,
    recorder,
    namespaceLabels: world.namespaceLabels,
    pods: informers.pods,
    nodes: informers.nodes,
    synced: [
      informers.namespaces.hasSynced,
      informers.services.hasSynced,
      informers.replicaSets.hasSynced,
      informers.budgets.hasSynced,
      ...volumes.synced,
      ...(hasGangs ? [podGroups.hasSynced] : []),
      ...(policies === undefined ? [] : [policies.loaded]),
    ],
    ...(policies === undefined ? {} : { policies }),
    ...(hasGangs ? { podGroups: podGroups.groups } : {}),
    otherEvents: (listen) => {
      volumes.addListener(listen);
      podGroups.addListener(listen);
    },
    ...(extenders === undefined ? {} : { extenders }),
    frameworks,
    tieBreak,
    backoff: {
      initialMs: configuration.podInitialBackoffSeconds * 1_000,
      maxMs: configuration.podMaxBackoffSeconds * 1_000,
    },
  });
  const answers: SchedulerAnswers = {
    explain: async (namespace, name, request) => {
      const pod = informers.pods.get(`${namespace}/${name}`);
      return pod === undefined ? undefined : scheduler.explainer.explain(pod, request);
    },
    policies: () => policies?.states ?? [],
  };
  const running: { run(until: AbortSignal): Promise<void> }[] = [
    ...Object.values(informers),
    volumes,
    ...(hasGangs ? [podGroups] : []),
  ];
  const informing = Promise.all([
    ...running.map((informer) => informer.run(signal)),
    policies?.run(scheduler.policyHost, signal),
    options.server === undefined
      ? undefined
      : new SchedulerServer({ ...options.server, logger, answers }).run(signal),
  ]);
  // Ended before the first list: the informers say so by a rejection, which is no failure then.
  await scheduler.run(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  await informing;
  await recorder.close();
}

function newInformers(dependencies: ConstructorParameters<typeof Informer>[0]) {
  return {
    pods: new Informer(dependencies, pods, { fieldSelector: NOT_OVER }),
    nodes: new Informer(dependencies, nodes),
    namespaces: new Informer(dependencies, namespaces, { metadataOnly: true }),
    services: new Informer(dependencies, services, {
      indexers: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
    }),
    replicaSets: new Informer(dependencies, replicasets),
    budgets: new Informer(dependencies, poddisruptionbudgets),
  };
}

function schedulesGangs({ plugins }: Framework): boolean {
  return plugins.some(({ name }) => name === GANG_SCHEDULING);
}
