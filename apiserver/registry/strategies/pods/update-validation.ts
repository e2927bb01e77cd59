/**
 * What of a pod may change after its creation: images, a shorter deadline, more tolerations, fewer
 * scheduling gates, and while gated where it may run.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidatePodUpdate`, v1.36.
 */

import type { Container, Pod, PodSpec, Toleration } from '../../../../proto/api/gen/core-v1.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { forbiddenField, invalidField } from '../../../../proto/api/validation.ts';
import type { Editable } from '../define-strategy.ts';
import { differences, isDeepEqual } from '../validation/deep-equal.ts';

/** How many changed fields a message names. */
const NAMED_MAX = 8;

const MAY_CHANGE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export function validatePodUpdate(pod: Pod, old: Pod): readonly FieldError[] {
  const errors = [
    ...containerCountErrors(pod.spec, old.spec),
    ...deadlineErrors(pod.spec, old.spec),
    ...gateErrors(pod.spec, old.spec),
  ];
  if (errors.length > 0) return errors;
  const spec = withAllowedChanges(pod.spec, old.spec);
  const changed = differences(spec, old.spec, 'spec', NAMED_MAX);
  if (changed.length === 0) return [];
  const why = `pod updates may not change fields other than ${MAY_CHANGE}`;
  return [forbiddenField('spec', `${why}\nchanged: ${changed.join(', ')}`)];
}

/** The new spec, with everything that may change put back to what it was. */
function withAllowedChanges(spec: PodSpec, old: PodSpec): PodSpec {
  // A copy of a decoded JSON tree has the same type.
  const copy = structuredClone(spec) as Editable<PodSpec>;
  restoreImages(copy.containers, old.containers);
  restoreImages(copy.initContainers, old.initContainers);
  restore(copy, old, 'activeDeadlineSeconds');
  if (isOnlyMore(spec.tolerations ?? [], old.tolerations ?? [])) restore(copy, old, 'tolerations');
  if (copy.terminationGracePeriodSeconds === 1 && (old.terminationGracePeriodSeconds ?? 0) < 0) {
    restore(copy, old, 'terminationGracePeriodSeconds');
  }
  restore(copy, old, 'schedulingGates');
  if ((old.schedulingGates ?? []).length > 0 && isNarrowerSelector(spec, old)) {
    restore(copy, old, 'nodeSelector');
  }
  return copy;
}

function restore<K extends keyof PodSpec>(copy: Editable<PodSpec>, old: PodSpec, field: K): void {
  if (old[field] === undefined) delete copy[field];
  else copy[field] = old[field] as Editable<PodSpec>[K];
}

function restoreImages(
  containers: Editable<Container>[] | undefined,
  old: readonly Container[] | undefined,
): void {
  for (const [index, container] of (containers ?? []).entries()) {
    const before = old?.[index]?.image;
    if (before !== undefined) container.image = before;
  }
}

function containerCountErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap((name) => {
    if ((spec[name] ?? []).length === (old[name] ?? []).length) return [];
    return [forbiddenField(`spec.${name}`, 'pod updates may not add or remove containers')];
  });
}

function deadlineErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = old.activeDeadlineSeconds;
  const now = spec.activeDeadlineSeconds;
  if (before === undefined) return [];
  const field = 'spec.activeDeadlineSeconds';
  if (now === undefined) {
    return [invalidField(field, null, 'must not update from a positive integer to nil value')];
  }
  if (now <= before) return [];
  return [invalidField(field, now, 'must be less than or equal to previous value')];
}

function gateErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  const added = (spec.schedulingGates ?? []).filter(({ name }) => !before.has(name));
  const why = 'only deletion is allowed, but found new scheduling gate';
  return added.map(({ name }) => forbiddenField('spec.schedulingGates', `${why} '${name}'`));
}

/** Whether every old toleration is still there; its seconds may differ. */
function isOnlyMore(tolerations: readonly Toleration[], old: readonly Toleration[]): boolean {
  return old.every((before) =>
    tolerations.some((one) => isDeepEqual(withoutSeconds(one), withoutSeconds(before))),
  );
}

function withoutSeconds(toleration: Toleration): Toleration {
  const { tolerationSeconds: _seconds, ...rest } = toleration;
  return rest;
}

function isNarrowerSelector(spec: PodSpec, old: PodSpec): boolean {
  return Object.entries(old.nodeSelector ?? {}).every(
    ([key, value]) => spec.nodeSelector?.[key] === value,
  );
}
