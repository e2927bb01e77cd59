/**
 * `eviction` of pods: a deletion that obeys PodDisruptionBudgets. What the budget allows is in its
 * status, which a controller computes; each eviction takes one from it, by compare-and-swap.
 * Source: kubernetes pkg/registry/core/pod/storage/eviction.go, v1.36.
 */

import type { DeleteOptions } from '../../../proto/api/gen/meta-v1.ts';
import type { PodDisruptionBudget } from '../../../proto/api/gen/policy-v1.ts';
import { poddisruptionbudgets, pods } from '../../../proto/api/gen/resources.ts';
import { matchesLabels, requirementsOf } from '../../../proto/api/label-selector.ts';
import { badRequest, forbidden, newApiError } from '../../../proto/api/status-error.ts';
import { formatTime } from '../../../proto/api/time.ts';
import { objectAnswer } from '../../http/answer.ts';
import type { ApiObject } from '../strategy.ts';
import type { ActionContext, ActionSubresource } from '../subresource.ts';
import { isConditionTrue, setCondition } from './pod-conditions.ts';

/** Evicted pods that the controller has not seen go yet. */
const DISRUPTED_PODS_MAX = 2000;
/** How long to wait while a budget's status is behind its spec. */
const RETRY_AFTER_SECONDS = 10;

const NOT_NOW = "Cannot evict pod as it would violate the pod's disruption budget.";

export const podEviction: ActionSubresource = {
  type: 'action',
  resource: pods,
  name: 'eviction',
  verbs: ['create'],
  body: {
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    alsoVersions: [{ group: 'policy', version: 'v1beta1', kind: 'Eviction' }],
  },

  async handle(context) {
    const { body, target, objects, dryRun, request, nowMs } = context;
    const name = body?.metadata?.name || target.name;
    if (name !== target.name) {
      throw badRequest('name in URL does not match name in Eviction object');
    }
    const pod = await objects.get(pods, target);
    const options = { user: request.user, dryRun, fieldManager: context.fieldManager };
    // A decoded body has the type that its kind says.
    const deleteOptions = (body?.deleteOptions ?? {}) as DeleteOptions;
    const isDry = dryRun || deleteOptions.dryRun?.includes('All') === true;
    if (!goesAnyway(pod)) {
      const budget = budgetOf(context, pod);
      if (budget !== undefined && !mayGoUnhealthy(budget, pod)) {
        await takeFromBudget(context, budget, pod, isDry);
      }
      if (!isDry) await markTarget(context, nowMs);
    }
    const uid = deleteOptions.preconditions?.uid ?? pod.metadata.uid;
    const preconditions = { ...deleteOptions.preconditions, uid };
    await objects.delete(
      pods,
      target,
      { ...deleteOptions, preconditions },
      { ...options, dryRun: isDry },
    );
    const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
    return objectAnswer(201, status);
  },
};

/** Pods that don't run, or go already, count for no budget. */
function goesAnyway(pod: ApiObject): boolean {
  const phase = String(pod.status?.phase ?? '');
  const isRunning = phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending';
  return !isRunning || pod.metadata.deletionTimestamp !== undefined;
}

function budgetOf(context: ActionContext, pod: ApiObject): PodDisruptionBudget | undefined {
  const { objects, target } = context;
  const matching = objects
    .peekAll(poddisruptionbudgets, target.namespace)
    // The schema has checked the types of the budgets' fields.
    .map((object) => object as unknown as PodDisruptionBudget)
    .filter(({ spec }) => matchesLabels(requirementsOf(spec?.selector), pod.metadata.labels));
  if (matching.length <= 1) return matching[0];
  const why =
    'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  throw newApiError(500, 'InternalError', why);
}

/** A pod that is not ready anyway may go, as far as its budget says so. */
function mayGoUnhealthy(budget: PodDisruptionBudget, pod: ApiObject): boolean {
  if (isConditionTrue(pod, 'Ready')) return false;
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

async function takeFromBudget(
  context: ActionContext,
  budget: PodDisruptionBudget,
  pod: ApiObject,
  dryRun: boolean,
): Promise<void> {
  const { name, namespace = '' } = budget.metadata;
  await context.objects.update(
    poddisruptionbudgets,
    { namespace, name },
    (object) => {
      // As above.
      const current = object as unknown as PodDisruptionBudget;
      checkBudget(current);
      const { disruptionsAllowed = 0, disruptedPods = {} } = current.status;
      const evictedAt = formatTime(context.nowMs);
      object.status = {
        ...object.status,
        disruptionsAllowed: disruptionsAllowed - 1,
        disruptedPods: { ...disruptedPods, [pod.metadata.name]: evictedAt },
      };
    },
    { dryRun, subresource: 'status' },
  );
}

function checkBudget(budget: PodDisruptionBudget): void {
  const { name, generation = 0 } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0 } = budget.status ?? {};
  const { desiredHealthy = 0, currentHealthy = 0, disruptedPods = {} } = budget.status ?? {};
  if (observedGeneration < generation) {
    const why = `The disruption budget ${name} is still being processed by the server.`;
    throw tooMany(why, RETRY_AFTER_SECONDS);
  }
  const refuse = (why: string) => forbidden(poddisruptionbudgets, name, why);
  if (disruptionsAllowed < 0) throw refuse('pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw refuse(why);
  }
  if (disruptionsAllowed > 0) return;
  const why = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  throw tooMany(why, 0);
}

/** Without seconds a client does not try again by itself: only the budget's pods can change it. */
function tooMany(cause: string, retryAfterSeconds: number): Error {
  return newApiError(429, 'TooManyRequests', NOT_NOW, {
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
    causes: [{ reason: 'DisruptionBudget', message: cause }],
  });
}

async function markTarget(context: ActionContext, nowMs: number): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  await context.objects.update(
    pods,
    context.target,
    (pod) => setCondition(pod, condition, formatTime(nowMs)),
    { user: context.request.user, fieldManager: context.fieldManager, subresource: 'status' },
  );
}
