/**
 * What keeps a namespace from going, as conditions in upstream's words.
 *
 * Source: kubernetes pkg/controller/namespace/deletion/status_condition_utils.go, v1.36.
 */

import type { NamespaceCondition } from '../../proto/api/gen/core-v1.ts';
import { formatTime } from '../../proto/api/time.ts';

export interface Leftovers {
  /** Objects left, by resource as `pods` or `deployments.apps`. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many of them wait for each finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** What could not be deleted, and why. */
  readonly failures: readonly string[];
}

type Draft = Omit<NamespaceCondition, 'lastTransitionTime'>;

/** Times change only with the condition's status. */
export function namespaceConditions(
  old: readonly NamespaceCondition[],
  leftovers: Leftovers,
  nowMs: number,
): readonly NamespaceCondition[] {
  return drafts(leftovers).map((draft) => {
    const before = old.find(({ type }) => type === draft.type);
    const lastTransitionTime =
      before?.status === draft.status && before.lastTransitionTime !== undefined
        ? before.lastTransitionTime
        : formatTime(nowMs);
    const { type, status, reason, message } = draft;
    return {
      type,
      status,
      lastTransitionTime,
      ...(reason && { reason }),
      ...(message && { message }),
    };
  });
}

function drafts({ counts, finalizers, failures }: Leftovers): readonly Draft[] {
  const remaining = [...counts].map(([name, count]) => `${name} has ${count} resource instances`);
  const waiting = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`);
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    failures.length === 0
      ? {
          type: 'NamespaceDeletionContentFailure',
          status: 'False',
          reason: 'ContentDeleted',
          message: 'All content successfully deleted, may be waiting on finalization',
        }
      : {
          type: 'NamespaceDeletionContentFailure',
          status: 'True',
          reason: 'ContentDeletionFailed',
          message: `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(', ')}`,
        },
    remaining.length === 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${remaining.sort().join(', ')}`,
        },
    waiting.length === 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${waiting.sort().join(', ')}`,
        },
  ];
}
