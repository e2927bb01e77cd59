/**
 * Validation of security contexts and of the namespaces of the host that a pod asks for.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateSecurityContext`,
 * `ValidatePodSecurityContext`, v1.36.
 */

import type {
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from '../../../../proto/api/gen/core-v1.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { forbiddenField, invalidField, required } from '../../../../proto/api/validation.ts';
import { localPathErrors } from './volume-validation.ts';

const ID_MAX = 2_147_483_647;
const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

export function podSecurityErrors(at: string, spec: PodSpec): FieldError[] {
  const context = spec.securityContext ?? {};
  const field = `${at}.securityContext`;
  const errors: FieldError[] = [];
  for (const name of ['runAsUser', 'runAsGroup', 'fsGroup'] as const) {
    errors.push(...idErrors(`${field}.${name}`, context[name]));
  }
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    errors.push(...idErrors(`${field}.supplementalGroups[${index}]`, group));
  }
  for (const [index, { name = '' }] of (context.sysctls ?? []).entries()) {
    const sysctl = `${field}.sysctls[${index}].name`;
    if (name === '') errors.push(required(sysctl));
    else if (!SYSCTL.test(name)) {
      const why = `must have at most 253 characters and match regex ${SYSCTL.source}`;
      errors.push(invalidField(sysctl, name, why));
    }
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidField(`${at}.shareProcessNamespace`, true, why));
  }
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec.hostUsers === false && spec[name] === true) {
      errors.push(forbiddenField(`${at}.${name}`, 'when `hostUsers` is false'));
    }
  }
  return [...errors, ...seccompErrors(`${field}.seccompProfile`, context.seccompProfile)];
}

export function containerSecurityErrors(
  at: string,
  context: SecurityContext | undefined,
): FieldError[] {
  if (context === undefined) return [];
  const { privileged = false, allowPrivilegeEscalation: mayEscalate, capabilities } = context;
  const errors: FieldError[] = [
    ...idErrors(`${at}.runAsUser`, context.runAsUser),
    ...idErrors(`${at}.runAsGroup`, context.runAsGroup),
    ...seccompErrors(`${at}.seccompProfile`, context.seccompProfile),
  ];
  if (mayEscalate !== false) return errors;
  if (privileged) {
    const why = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
    errors.push(invalidField(at, context, why));
  }
  if (capabilities?.add?.includes('CAP_SYS_ADMIN') === true) {
    const why =
      'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
    errors.push(invalidField(at, context, why));
  }
  return errors;
}

function seccompErrors(at: string, profile: SeccompProfile | undefined): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  if (!type) return [required(`${at}.type`, 'type is required when seccompProfile is set')];
  if (type === 'Localhost') {
    if (localhostProfile) return localPathErrors(`${at}.localhostProfile`, localhostProfile);
    const why = 'must be set when seccomp type is Localhost';
    return [required(`${at}.localhostProfile`, why)];
  }
  if (localhostProfile === undefined) return [];
  const why = 'can only be set when seccomp type is Localhost';
  return [invalidField(`${at}.localhostProfile`, localhostProfile, why)];
}

function idErrors(field: string, id: number | undefined): FieldError[] {
  if (id === undefined || (id >= 0 && id <= ID_MAX)) return [];
  return [invalidField(field, id, `must be between 0 and ${ID_MAX}, inclusive`)];
}
