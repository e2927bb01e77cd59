/**
 * Carries preemption out, beside the cycles of other pods: takes lower nominations to the node back,
 * marks the victims and deletes them. The pod that they make room for waits meanwhile.
 *
 * Source: kubernetes pkg/scheduler/framework/preemption/executor.go, v1.36.
 */

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Informer } from '../client/informer.ts';
import type { Pod, PodCondition } from '../proto/api/gen/core-v1.ts';
import { pods as podResource } from '../proto/api/gen/resources.ts';
import { keyOf } from '../proto/api/meta.ts';
import { isConflict, isNotFound } from '../proto/api/status-error.ts';
import { formatTime } from '../proto/api/time.ts';
import { DEFAULT_SCHEDULER_NAME } from './config/configuration.ts';
import { priorityOf } from './plugins/priority-sort.ts';
import type { NominatedPods } from './queue/nominator.ts';
import type { WaitingPods } from './waiting-pods.ts';

export interface PreemptionsOptions {
  readonly client: Pick<Client, 'patch' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly pods: Pick<Informer<Pod>, 'get'>;
  readonly waiting: WaitingPods;
  readonly nominated: NominatedPods;
}

export class Preemptions {
  readonly #options: PreemptionsOptions;
  /** Uid of each pod that others are being removed for -> the last victim, once only that is left. */
  readonly #running = new Map<string, Pod | undefined>();

  constructor(options: PreemptionsOptions) {
    this.#options = options;
  }

  /** Whether the pod is to wait until the victims have been told to go. */
  isRunning(uid: string): boolean {
    if (!this.#running.has(uid)) return false;
    const last = this.#running.get(uid);
    if (last === undefined) return true;
    // Its deletion may be heard of before the answer to the request comes.
    const victim = this.#options.pods.get(keyOf(last));
    return victim !== undefined && victim.metadata.deletionTimestamp === undefined;
  }

  /** Starts at once; resolves with whether all victims could be told to go. Never rejects. */
  async run(
    preemptor: Pod,
    nodeName: string,
    victims: readonly Pod[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const staying = victims.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const last = staying.at(-1);
    if (last === undefined) return true;
    const { uid } = preemptor.metadata;
    this.#running.set(uid, undefined);
    const remove = (victim: Pod): Promise<void> =>
      this.#remove(preemptor, nodeName, victim, signal);
    try {
      await this.#clearNominations(preemptor, nodeName, signal);
      await Promise.all(staying.slice(0, -1).map(remove));
      this.#running.set(uid, last);
      await remove(last);
      return true;
    } catch (error) {
      if (!signal.aborted) {
        const pod = keyOf(preemptor);
        this.#options.logger.warn('Could not preempt for pod', { pod, node: nodeName, error });
      }
      return false;
    } finally {
      this.#running.delete(uid);
    }
  }

  async #remove(preemptor: Pod, nodeName: string, victim: Pod, signal: AbortSignal): Promise<void> {
    const { client, logger, recorder, waiting } = this.#options;
    const text = `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`;
    if (waiting.has(victim.metadata.uid)) {
      waiting.reject(victim.metadata.uid, 'DefaultPreemption', 'preempted');
      recorder.record(victim, 'Normal', 'Preempted', `${text} (in kube-scheduler memory).`);
      return;
    }
    const { namespace = 'default', name, uid } = victim.metadata;
    try {
      const patch = this.#victimPatch(preemptor, victim);
      const options = { subresource: 'status' };
      await client.patch(podResource, { namespace, name }, 'strategic', patch, options, signal);
      await client.delete(podResource, { namespace, name }, { preconditions: { uid } }, signal);
    } catch (error) {
      // It is gone already, or another one has its name.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    logger.info('Preempted pod', { pod: keyOf(victim), for: keyOf(preemptor), node: nodeName });
    recorder.record(victim, 'Normal', 'Preempted', text);
  }

  #victimPatch(preemptor: Pod, victim: Pod): object {
    const scheduler = preemptor.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME;
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${scheduler}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: formatTime(this.#options.clock.wallMs()),
    };
    return { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } };
  }

  /** Pods of lower priority may no longer fit there: they are to look for another node. */
  async #clearNominations(preemptor: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { client, nominated } = this.#options;
    const priority = priorityOf(preemptor);
    const lower = nominated
      .on(nodeName)
      .map(({ pod }) => pod)
      .filter((pod) => priorityOf(pod) < priority);
    for (const { metadata } of lower) {
      const { namespace = 'default', name, uid } = metadata;
      const patch = { metadata: { uid }, status: { nominatedNodeName: null } };
      const options = { subresource: 'status' };
      try {
        await client.patch(podResource, { namespace, name }, 'strategic', patch, options, signal);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
  }
}
