/**
 * One reconciliation of a Deployment: finds its ReplicaSets, makes the one of its template, moves
 * their sizes on, and writes the status.
 *
 * Source: kubernetes pkg/controller/deployment/{deployment_controller,sync,rolling,recreate}.go, v1.36.
 */

import type { EventRecorder } from '../../client/event-recorder.ts';
import type { Deployment, ReplicaSet } from '../../proto/api/gen/apps-v1.ts';
import { deployments, replicasets } from '../../proto/api/gen/resources.ts';
import { requirementsOf } from '../../proto/api/label-selector.ts';
import { controllerOf, type Draft, keyOf } from '../../proto/api/meta.ts';
import { isAlreadyExists, isNotFound } from '../../proto/api/status-error.ts';
import type { ControllerContext } from '../context.ts';
import type { ReconcileResult } from '../controller.ts';
import { carryOutClaims, claim, controllerReference } from '../ownership.ts';
import {
  conditionOf,
  deadlineAfterMs,
  deploymentStatus,
  isComplete,
  isSameDeploymentStatus,
  type ProgressNote,
} from './deployment-status.ts';
import { surplusHistory } from './history.ts';
import { isScalingEvent, planScaling } from './proportional-scaling.ts';
import {
  currentAnnotations,
  REVISION,
  type ReplicaSets,
  replicasOf,
  sizeAnnotations,
  splitReplicaSets,
} from './replica-sets.ts';
import { currentSetReplicas, planRollingUpdate, type Resize } from './rolling-update.ts';
import { rolloutLimits } from './rollout-limits.ts';
import { isSameTemplate, TEMPLATE_HASH_LABEL, templateHash } from './template-hash.ts';

/** What one reconciliation has found and done so far. */
interface Progress {
  readonly sets: ReplicaSets;
  readonly note?: ProgressNote;
  readonly collisionCount: number;
}

export class DeploymentReconciler {
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = context.recorderOf('deployment-controller');
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const deployment = this.#context.informers.deployments.get(key);
    if (deployment === undefined) return undefined;
    const sets = splitReplicaSets(deployment, await this.#ownedSets(deployment, signal));
    const collisionCount = deployment.status?.collisionCount ?? 0;
    const paused = pauseNote(deployment);
    let progress: Progress = {
      sets,
      collisionCount,
      ...(paused === undefined ? {} : { note: paused }),
    };
    if (deployment.metadata.deletionTimestamp === undefined) {
      progress = await this.#advance(deployment, progress, signal);
    }
    return this.#writeStatus(deployment, progress, signal);
  }

  async #ownedSets(deployment: Deployment, signal: AbortSignal): Promise<ReplicaSet[]> {
    const { client, informers } = this.#context;
    const candidates = informers.replicaSets
      .byIndex('namespace', deployment.metadata.namespace ?? '')
      .filter(
        (set) => (controllerOf(set)?.uid ?? deployment.metadata.uid) === deployment.metadata.uid,
      );
    const claims = claim(deployment, requirementsOf(deployment.spec.selector), candidates);
    const resources = { owner: deployments, object: replicasets };
    return carryOutClaims(client, resources, deployment, claims, signal);
  }

  async #advance(
    deployment: Deployment,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Progress> {
    const { sets } = progress;
    if (deployment.spec.paused === true || isScalingEvent(deployment, sets)) {
      await this.#resize(deployment, planScaling(deployment, sets), signal);
      if (deployment.spec.paused === true) await this.#cleanUp(deployment, sets, signal);
      return progress;
    }
    if (deployment.spec.strategy?.type === 'Recreate') {
      return this.#recreate(deployment, progress, signal);
    }
    const begun = await this.#withCurrentSet(deployment, progress, signal);
    const { current, old } = begun.sets;
    if (current === undefined) return begun;
    await this.#resize(deployment, planRollingUpdate(deployment, current, old), signal);
    await this.#cleanUp(deployment, begun.sets, signal);
    return begun;
  }

  /** All old pods go before the first new one comes. */
  async #recreate(
    deployment: Deployment,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Progress> {
    const { current, old } = progress.sets;
    const shrinking = old.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }));
    if (shrinking.length > 0) {
      await this.#resize(deployment, shrinking, signal);
      return progress;
    }
    const podsOf = (set: ReplicaSet): boolean =>
      this.#context.informers.pods
        .byIndex('controller', set.metadata.uid)
        .some(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
    if (old.some(podsOf)) return progress;
    const begun = await this.#withCurrentSet(deployment, progress, signal);
    const set = begun.sets.current ?? current;
    const replicas = replicasOf(deployment);
    if (set !== undefined && replicasOf(set) !== replicas) {
      await this.#resize(deployment, [{ set, replicas }], signal);
    }
    await this.#cleanUp(deployment, begun.sets, signal);
    return begun;
  }

  /** Makes the ReplicaSet of the template, or brings its annotations up to date. */
  async #withCurrentSet(
    deployment: Deployment,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Progress> {
    const { current, old } = progress.sets;
    if (current === undefined) return this.#createCurrent(deployment, progress, signal);
    const { minReadySeconds = 0 } = deployment.spec;
    const annotations = currentAnnotations(deployment, current, old);
    const isSame =
      (current.spec.minReadySeconds ?? 0) === minReadySeconds &&
      sortedText(current.metadata.annotations ?? {}) === sortedText(annotations);
    const updated = isSame
      ? current
      : await this.#context.client.update(
          replicasets,
          {
            ...current,
            metadata: { ...current.metadata, annotations },
            spec: { ...current.spec, minReadySeconds },
          },
          {},
          signal,
        );
    await this.#writeRevision(deployment, updated, signal);
    const sets = { current: updated, old };
    if (conditionOf(deployment.status?.conditions, 'Progressing') !== undefined) {
      return { ...progress, sets };
    }
    const message = `Found new replica set "${updated.metadata.name}"`;
    return { ...progress, sets, note: { status: 'True', reason: 'FoundNewReplicaSet', message } };
  }

  async #createCurrent(
    deployment: Deployment,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Progress> {
    const { old } = progress.sets;
    const draft = newReplicaSet(deployment, old, progress.collisionCount);
    let current: ReplicaSet;
    try {
      current = await this.#context.client.create(replicasets, draft, {}, signal);
      const replicas = replicasOf(current);
      const text = `Scaled up replica set ${current.metadata.name} from 0 to ${replicas}`;
      if (replicas > 0) this.#recorder.record(deployment, 'Normal', 'ScalingReplicaSet', text);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const { namespace = '', name = '' } = draft.metadata;
      current = await this.#context.client.get(replicasets, { namespace, name }, signal);
      const isOurs =
        controllerOf(current)?.uid === deployment.metadata.uid &&
        isSameTemplate(current.spec.template ?? {}, deployment.spec.template);
      // Another template has the same hash: the next try takes another name.
      if (!isOurs) return { ...progress, collisionCount: progress.collisionCount + 1 };
    }
    await this.#writeRevision(deployment, current, signal);
    const message = `Created new replica set "${current.metadata.name}"`;
    const note = { status: 'True', reason: 'NewReplicaSetCreated', message } as const;
    return { ...progress, sets: { current, old }, note };
  }

  /** The Deployment's own annotation tells its current revision. */
  async #writeRevision(
    deployment: Deployment,
    current: ReplicaSet,
    signal: AbortSignal,
  ): Promise<void> {
    const revision = current.metadata.annotations?.[REVISION];
    if (revision === undefined || deployment.metadata.annotations?.[REVISION] === revision) return;
    const { namespace = '', name } = deployment.metadata;
    const patch = { metadata: { annotations: { [REVISION]: revision } } };
    await this.#context.client.patch(deployments, { namespace, name }, 'merge', patch, {}, signal);
  }

  async #resize(
    deployment: Deployment,
    resizes: readonly Resize[],
    signal: AbortSignal,
  ): Promise<void> {
    const sizes = sizeAnnotations(deployment, rolloutLimits(deployment).surge);
    for (const { set, replicas } of resizes) {
      const before = replicasOf(set);
      const annotations = { ...set.metadata.annotations, ...sizes };
      const metadata = { ...set.metadata, annotations };
      const next = { ...set, metadata, spec: { ...set.spec, replicas } };
      await this.#context.client.update(replicasets, next, {}, signal);
      if (replicas === before) continue;
      const verb = replicas > before ? 'up' : 'down';
      const text = `Scaled ${verb} replica set ${set.metadata.name} from ${before} to ${replicas}`;
      this.#recorder.record(deployment, 'Normal', 'ScalingReplicaSet', text);
    }
  }

  async #cleanUp(deployment: Deployment, sets: ReplicaSets, signal: AbortSignal): Promise<void> {
    if (!isComplete(deployment, deployment.status ?? {}) && deployment.spec.paused !== true) return;
    for (const set of surplusHistory(deployment, sets.old)) {
      const { namespace = '', name, uid } = set.metadata;
      const options = { preconditions: { uid } };
      try {
        await this.#context.client.delete(replicasets, { namespace, name }, options, signal);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  async #writeStatus(
    deployment: Deployment,
    { sets, note, collisionCount }: Progress,
    signal: AbortSignal,
  ): Promise<ReconcileResult | undefined> {
    const { client, clock, logger } = this.#context;
    const status = deploymentStatus(deployment, sets, note, collisionCount, clock.wallMs());
    if (!isSameDeploymentStatus(deployment.status, status)) {
      const { namespace = '', name, uid } = deployment.metadata;
      // A patch, as the revision may just have been written; conditions are given in full.
      const { conditions = [] } = status;
      const patch = { metadata: { uid }, status: { ...status, conditions } };
      const options = { subresource: 'status' };
      await client.patch(deployments, { namespace, name }, 'merge', patch, options, signal);
      logger.debug('Wrote the status of a deployment', { deployment: keyOf(deployment) });
    }
    const againAfterMs = deadlineAfterMs(deployment, status, clock.wallMs());
    return againAfterMs === undefined ? undefined : { againAfterMs };
  }
}

function newReplicaSet(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  collisionCount: number,
): Draft<ReplicaSet> {
  const { template, selector, minReadySeconds = 0 } = deployment.spec;
  const hash = templateHash(template, collisionCount);
  const hashed = { [TEMPLATE_HASH_LABEL]: hash };
  const labels = { ...template.metadata?.labels, ...hashed };
  const sizes = sizeAnnotations(deployment, rolloutLimits(deployment).surge);
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: { ...currentAnnotations(deployment, undefined, old), ...sizes },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: currentSetReplicas(deployment, 0, old),
      ...(minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, ...hashed } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** What Progressing says of pausing and resuming, once. */
function pauseNote(deployment: Deployment): ProgressNote | undefined {
  const before = conditionOf(deployment.status?.conditions, 'Progressing');
  const isPaused = deployment.spec.paused === true;
  if (before?.reason === 'ProgressDeadlineExceeded') return undefined;
  if (isPaused && before?.reason !== 'DeploymentPaused') {
    const message = 'Deployment is paused';
    return { status: 'Unknown', reason: 'DeploymentPaused', message };
  }
  if (!isPaused && before?.reason === 'DeploymentPaused') {
    const message = 'Deployment is resumed';
    return { status: 'Unknown', reason: 'DeploymentResumed', message };
  }
  return undefined;
}

function sortedText(map: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
