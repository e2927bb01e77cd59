/** What a scheduler is made of. */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Informer } from '../client/informer.ts';
import type { Node, Pod } from '../proto/api/gen/core-v1.ts';
import type { NamespaceLabels } from './cache/affinity-terms.ts';
import type { Extenders } from './extenders/extenders.ts';
import type { ClusterEvent } from './framework/cluster-event.ts';
import type { Framework } from './framework/framework.ts';
import type { PodGroups } from './pod-groups.ts';
import type { Policies } from './policy/policies.ts';
import type { QueueBackoff } from './queue/scheduling-queue.ts';
import type { TieBreak } from './select-node.ts';

export interface SchedulerOptions {
  readonly client: Pick<Client, 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly pods: Pick<Informer<Pod>, 'get' | 'list' | 'addHandler' | 'hasSynced'>;
  readonly nodes: Pick<Informer<Node>, 'addHandler' | 'hasSynced'>;
  /** Of what the plugins ask, besides pods and nodes. */
  readonly synced?: readonly Promise<void>[];
  /** At least one; pods choose by `spec.schedulerName`. The first one orders the queue. */
  readonly frameworks: readonly [Framework, ...Framework[]];
  /** For who asks why: whom terms with namespace selectors mean. */
  readonly namespaceLabels?: NamespaceLabels;
  /** Absent: there are none. */
  readonly policies?: Policies;
  /** Absent: no profile schedules gangs. */
  readonly podGroups?: PodGroups;
  /** Of profiles that don't say. */
  readonly tieBreak: TieBreak;
  /** Absent: there are none. */
  readonly extenders?: Extenders;
  /** Of other kinds than pods and nodes; absent: there are none. */
  readonly otherEvents?: (listen: (event: ClusterEvent) => void) => void;
  /** `podInitialBackoffSeconds`, `podMaxBackoffSeconds`, in milliseconds; absent: upstream's. */
  readonly backoff?: QueueBackoff;
}
