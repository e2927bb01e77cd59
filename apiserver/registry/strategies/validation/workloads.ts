/**
 * Validation of ReplicaSets and Deployments.
 * Source: kubernetes pkg/apis/apps/validation/validation.go, v1.36.
 */

import type {
  Deployment,
  DeploymentSpec,
  ReplicaSet,
  RollingUpdateDeployment,
} from '../../../../proto/api/gen/apps-v1.ts';
import type { PodTemplateSpec } from '../../../../proto/api/gen/core-v1.ts';
import type { LabelSelector } from '../../../../proto/api/gen/meta-v1.ts';
import { matchesLabels, requirementsOf } from '../../../../proto/api/label-selector.ts';
import { percentErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  forbiddenField,
  IMMUTABLE,
  invalidField,
  labelSelectorErrors,
  nonNegative,
  notSupported,
  required,
  texts,
} from '../../../../proto/api/validation.ts';
import { validatePodTemplate } from '../pods/validation.ts';
import { isDeepEqual } from './deep-equal.ts';

export function validateReplicaSet(set: ReplicaSet): readonly FieldError[] {
  const { spec } = set;
  if (spec === undefined) return [required('spec.selector'), required('spec.template')];
  return [
    ...nonNegative('spec.replicas', spec.replicas ?? 0),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds ?? 0),
    ...selectorErrors(spec.selector, 'replicaset'),
    ...templateErrors(spec.template, spec.selector, 'ReplicaSet'),
  ];
}

export function validateReplicaSetUpdate(set: ReplicaSet, old: ReplicaSet): readonly FieldError[] {
  return selectorUpdateErrors(set.spec?.selector, old.spec?.selector);
}

export function validateDeployment(deployment: Deployment): readonly FieldError[] {
  const { spec } = deployment;
  if (spec === undefined) return [required('spec.selector'), required('spec.template')];
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec;
  const errors = [
    ...nonNegative('spec.replicas', spec.replicas ?? 0),
    ...selectorErrors(spec.selector, 'deployment'),
    ...templateErrors(spec.template, spec.selector, 'Deployment'),
    ...strategyErrors(spec),
    ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit ?? 0),
  ];
  if (deadline === undefined) return errors;
  errors.push(...nonNegative('spec.progressDeadlineSeconds', deadline));
  if (deadline <= minReadySeconds) {
    const field = 'spec.progressDeadlineSeconds';
    errors.push(invalidField(field, deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

export function validateDeploymentUpdate(
  deployment: Deployment,
  old: Deployment,
): readonly FieldError[] {
  return selectorUpdateErrors(deployment.spec?.selector, old.spec?.selector);
}

function selectorUpdateErrors(
  selector: LabelSelector | undefined,
  old: LabelSelector | undefined,
): readonly FieldError[] {
  if (isDeepEqual(selector, old)) return [];
  return [invalidField('spec.selector', selector, IMMUTABLE)];
}

function selectorErrors(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (selector === undefined) return [required('spec.selector')];
  const errors = [...labelSelectorErrors('spec.selector', selector)];
  const terms = [...Object.keys(selector.matchLabels ?? {}), ...(selector.matchExpressions ?? [])];
  if (terms.length === 0) {
    const why = `empty selector is invalid for ${kind}`;
    errors.push(invalidField('spec.selector', selector, why));
  }
  return errors;
}

function templateErrors(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  kind: string,
): FieldError[] {
  if (template === undefined) return [required('spec.template')];
  const at = 'spec.template';
  const errors: FieldError[] = [];
  const labels = template.metadata?.labels ?? {};
  const isValid = labelSelectorErrors('', selector).length === 0;
  if (selector !== undefined && isValid && !matchesLabels(requirementsOf(selector), labels)) {
    const why = '`selector` does not match template `labels`';
    errors.push(invalidField(`${at}.metadata.labels`, labels, why));
  }
  errors.push(...validatePodTemplate(at, template));
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy === 'Never' || restartPolicy === 'OnFailure') {
    errors.push(notSupported(`${at}.spec.restartPolicy`, restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbiddenField(`${at}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

function strategyErrors(spec: DeploymentSpec): FieldError[] {
  const at = 'spec.strategy';
  const { type, rollingUpdate } = spec.strategy ?? {};
  switch (type) {
    case 'Recreate':
      if (rollingUpdate === undefined) return [];
      return [
        forbiddenField(
          `${at}.rollingUpdate`,
          "may not be specified when strategy `type` is 'Recreate'",
        ),
      ];
    case 'RollingUpdate':
      if (rollingUpdate === undefined) {
        return [required(`${at}.rollingUpdate`, 'this should be defaulted and never be nil')];
      }
      return rollingUpdateErrors(`${at}.rollingUpdate`, rollingUpdate);
    case undefined:
      return [required(at)];
    default:
      // The request may say anything: values that are none of the type's are found generically.
      return [];
  }
}

function rollingUpdateErrors(at: string, update: RollingUpdateDeployment): FieldError[] {
  const { maxUnavailable = 0, maxSurge = 0 } = update;
  const errors = [
    ...amountErrors(`${at}.maxUnavailable`, maxUnavailable),
    ...amountErrors(`${at}.maxSurge`, maxSurge),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    const why = 'may not be 0 when `maxSurge` is 0';
    errors.push(invalidField(`${at}.maxUnavailable`, maxUnavailable, why));
  }
  if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100) {
    const why = 'must not be greater than 100%';
    errors.push(invalidField(`${at}.maxUnavailable`, maxUnavailable, why));
  }
  return errors;
}

/** A number that is not negative, or a percentage. */
export function amountErrors(field: string, amount: number | string): readonly FieldError[] {
  if (typeof amount === 'number') return nonNegative(field, amount);
  return texts(field, amount, percentErrors(amount));
}

function isZero(amount: number | string): boolean {
  return amount === 0 || amount === '0%' || amount === '0';
}
