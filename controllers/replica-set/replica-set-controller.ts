/**
 * Keeps as many pods as each ReplicaSet says.
 *
 * Source: kubernetes pkg/controller/replicaset/replica_set.go, v1.36.
 */

import type { EventRecorder } from '../../client/event-recorder.ts';
import type { ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { pods, replicasets } from '../../proto/api/gen/resources.ts';
import { matchesLabels, requirementsOf } from '../../proto/api/label-selector.ts';
import { controllerOf, keyOf } from '../../proto/api/meta.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import { isNamespaceTerminating } from '../namespace/namespace-terminating.ts';
import { carryOutClaims, claim } from '../ownership.ts';
import { isPodActive } from '../pod-state.ts';
import { Expectations } from './expectations.ts';
import { planReplicas, podFromTemplate, type ReplicaPlan, slowStartBatches } from './plan.ts';
import {
  isSameStatus,
  nextAvailableMs,
  type ReplicaFailure,
  replicaSetStatus,
} from './replica-set-status.ts';

export function newReplicaSetController(context: ControllerContext): Runnable {
  const reconciler = new ReplicaSetReconciler(context);
  const { pods: podInformer, replicaSets } = context.informers;
  const controller = new Controller({
    name: 'replica-set',
    clock: context.clock,
    logger: context.logger,
    synced: [podInformer.hasSynced, replicaSets.hasSynced],
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
  });
  replicaSets.addHandler({
    onAdd: (set) => controller.enqueue(keyOf(set)),
    onUpdate: (_, set) => controller.enqueue(keyOf(set)),
    onDelete: (set) => {
      reconciler.expectations.forget(keyOf(set));
      controller.enqueue(keyOf(set));
    },
  });
  const enqueue = (key: string): void => controller.enqueue(key);
  podInformer.addHandler(podHandler(context, reconciler.expectations, enqueue));
  return controller;
}

/** Which ReplicaSets a change of a pod concerns. */
function podHandler(
  context: ControllerContext,
  expectations: Expectations,
  enqueue: (key: string) => void,
) {
  const { replicaSets } = context.informers;
  /** The ReplicaSet that controls the pod, by a reference to its uid. */
  const ownerKey = (pod: Pod): string | undefined => {
    const owner = controllerOf(pod);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    const key = `${pod.metadata.namespace ?? ''}/${owner.name}`;
    return replicaSets.get(key)?.metadata.uid === owner.uid ? key : undefined;
  };
  const enqueueMatching = (pod: Pod): void => {
    for (const set of replicaSets.byIndex('namespace', pod.metadata.namespace ?? '')) {
      const selector = requirementsOf(set.spec.selector);
      if (matchesLabels(selector, pod.metadata.labels)) enqueue(keyOf(set));
    }
  };
  const changed = (pod: Pod): void => {
    const key = ownerKey(pod);
    if (key !== undefined) enqueue(key);
    else if (controllerOf(pod) === undefined) enqueueMatching(pod);
  };
  const going = (pod: Pod): void => {
    const key = ownerKey(pod);
    if (key === undefined) return;
    expectations.deletionSeen(key, pod.metadata.uid);
    enqueue(key);
  };
  return {
    onAdd: (pod: Pod): void => {
      const key = ownerKey(pod);
      if (key !== undefined) expectations.creationSeen(key);
      if (pod.metadata.deletionTimestamp === undefined) changed(pod);
      else going(pod);
    },
    onUpdate: (old: Pod, pod: Pod): void => {
      if (pod.metadata.deletionTimestamp !== undefined) going(pod);
      const before = ownerKey(old);
      if (before !== undefined && before !== ownerKey(pod)) enqueue(before);
      changed(pod);
    },
    onDelete: going,
  };
}

class ReplicaSetReconciler {
  readonly expectations: Expectations;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorderOf('replicaset-controller');
    this.expectations = new Expectations(context.clock);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { client, clock, informers } = this.#context;
    const set = informers.replicaSets.get(key);
    if (set === undefined) return undefined;
    const isBehind = !this.expectations.isSatisfied(key);
    const candidates = [
      ...informers.pods.byIndex('controller', set.metadata.uid),
      ...orphansIn(this.#context, set.metadata.namespace ?? ''),
    ];
    const claims = claim(set, requirementsOf(set.spec.selector), candidates.filter(isPodActive));
    const resources = { owner: replicasets, object: pods };
    const owned = await carryOutClaims(client, resources, set, claims, signal);
    let failure: ReplicaFailure | undefined;
    if (!isBehind && set.metadata.deletionTimestamp === undefined) {
      const related = this.#relatedPods(set, owned);
      const plan = planReplicas(set, owned, related, clock.wallMs());
      failure = await this.#carryOut(key, set, plan, signal);
    }
    await this.#writeStatus(set, owned, failure, signal);
    if (failure !== undefined) throw new Error(failure.message);
    const againAfterMs = nextAvailableMs(set, owned, clock.wallMs());
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }

  /** The active pods of all ReplicaSets with the same owner: of the whole Deployment. */
  #relatedPods(set: ReplicaSet, own: readonly Pod[]): readonly Pod[] {
    const { pods: podInformer, replicaSets } = this.#context.informers;
    const owner = controllerOf(set);
    if (owner === undefined) return own;
    return replicaSets
      .byIndex('controller', owner.uid)
      .flatMap((each) => podInformer.byIndex('controller', each.metadata.uid))
      .filter(isPodActive);
  }

  async #carryOut(
    key: string,
    set: ReplicaSet,
    plan: ReplicaPlan,
    signal: AbortSignal,
  ): Promise<ReplicaFailure | undefined> {
    switch (plan.kind) {
      case 'none':
        return undefined;
      case 'create':
        return this.#create(key, set, plan.count, signal);
      case 'delete':
        return this.#delete(key, set, plan.pods, signal);
    }
  }

  async #create(
    key: string,
    set: ReplicaSet,
    count: number,
    signal: AbortSignal,
  ): Promise<ReplicaFailure | undefined> {
    const draft = podFromTemplate(set);
    for (const size of slowStartBatches(count)) {
      this.expectations.expectCreations(key, size);
      const errors = await allErrors(size, async () => {
        const pod = await this.#context.client.create(pods, draft, {}, signal);
        const text = `Created pod: ${pod.metadata.name}`;
        this.#recorder.record(set, 'Normal', 'SuccessfulCreate', text);
      });
      for (const _ of errors) this.expectations.creationSeen(key);
      const [error] = errors;
      if (error === undefined) continue;
      // Nothing can be created in a namespace that goes; the ReplicaSet goes with it.
      if (isNamespaceTerminating(error)) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      this.#recorder.record(set, 'Warning', 'FailedCreate', `Error creating: ${message}`);
      return { reason: 'FailedCreate', message };
    }
    return undefined;
  }

  async #delete(
    key: string,
    set: ReplicaSet,
    surplus: readonly Pod[],
    signal: AbortSignal,
  ): Promise<ReplicaFailure | undefined> {
    this.expectations.expectDeletions(
      key,
      surplus.map(({ metadata }) => metadata.uid),
    );
    const errors = await allErrors(surplus.length, async (index) => {
      const pod = surplus[index];
      if (pod === undefined) return;
      const { namespace = '', name, uid } = pod.metadata;
      try {
        await this.#context.client.delete(
          pods,
          { namespace, name },
          { preconditions: { uid } },
          signal,
        );
      } catch (error) {
        this.expectations.deletionSeen(key, uid);
        if (!isNotFound(error)) throw error;
        return;
      }
      this.#recorder.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    });
    const [error] = errors;
    if (error === undefined) return undefined;
    const message = error instanceof Error ? error.message : String(error);
    this.#recorder.record(set, 'Warning', 'FailedDelete', `Error deleting: ${message}`);
    return { reason: 'FailedDelete', message };
  }

  async #writeStatus(
    set: ReplicaSet,
    owned: readonly Pod[],
    failure: ReplicaFailure | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#context;
    const status = replicaSetStatus(set, owned, failure, clock.wallMs());
    if (isSameStatus(set.status, status)) return;
    try {
      await client.update(replicasets, { ...set, status }, { subresource: 'status' }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function orphansIn(context: ControllerContext, namespace: string): Pod[] {
  return context.informers.pods
    .byIndex('controller', '')
    .filter(({ metadata }) => metadata.namespace === namespace);
}

/** Runs them all at a time; what failed. */
async function allErrors(count: number, run: (index: number) => Promise<void>): Promise<unknown[]> {
  const runs = Array.from({ length: count }, (_, index) => run(index));
  const results = await Promise.allSettled(runs);
  return results.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
}
