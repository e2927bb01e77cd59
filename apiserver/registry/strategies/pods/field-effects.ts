/**
 * Which fields of a pod are stored and have no effect yet: each one that is used is named in a
 * `Warning:` header. What would be dangerous to ignore, and what could never start, is refused
 * instead. Delete a line when the field works.
 */

import type {
  Container,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../../../proto/api/gen/core-v1.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { forbiddenField } from '../../../../proto/api/validation.ts';

interface FieldEffect<T> {
  readonly field: string;
  /** Whether the field asks for something other than what happens without it. */
  isUsed(value: T): boolean;
}

const SPEC_FIELDS_WITHOUT_EFFECT: readonly FieldEffect<PodSpec>[] = [
  { field: 'overhead', isUsed: (spec) => spec.overhead !== undefined },
  { field: 'resources', isUsed: (spec) => spec.resources !== undefined },
  { field: 'setHostnameAsFQDN', isUsed: (spec) => spec.setHostnameAsFQDN === true },
  { field: 'subdomain (in cluster DNS)', isUsed: (spec) => (spec.subdomain ?? '') !== '' },
  {
    field: 'securityContext.seLinuxOptions',
    isUsed: ({ securityContext }) => securityContext?.seLinuxOptions !== undefined,
  },
  {
    field: 'securityContext.appArmorProfile',
    isUsed: ({ securityContext }) => securityContext?.appArmorProfile?.type === 'RuntimeDefault',
  },
];

const CONTAINER_FIELDS_WITHOUT_EFFECT: readonly FieldEffect<Container>[] = [
  { field: 'resizePolicy', isUsed: (container) => hasItems(container.resizePolicy) },
  { field: 'restartPolicyRules', isUsed: (container) => hasItems(container.restartPolicyRules) },
  {
    field: 'resources.limits.ephemeral-storage',
    isUsed: ({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined,
  },
  {
    field: 'securityContext.seLinuxOptions',
    isUsed: ({ securityContext }) => securityContext?.seLinuxOptions !== undefined,
  },
  {
    field: 'securityContext.appArmorProfile',
    isUsed: ({ securityContext }) => securityContext?.appArmorProfile?.type === 'RuntimeDefault',
  },
];

/** Asking for more isolation than there is must fail; so must asking for what isn't there at all. */
const SPEC_FIELDS_REFUSED: readonly FieldEffect<PodSpec>[] = [
  { field: 'ephemeralContainers', isUsed: (spec) => hasItems(spec.ephemeralContainers) },
  { field: 'resourceClaims', isUsed: (spec) => hasItems(spec.resourceClaims) },
  { field: 'runtimeClassName', isUsed: (spec) => (spec.runtimeClassName ?? '') !== '' },
  { field: 'os', isUsed: (spec) => spec.os !== undefined && spec.os.name !== 'linux' },
  {
    field: 'securityContext.appArmorProfile (Localhost)',
    isUsed: ({ securityContext }) => securityContext?.appArmorProfile?.type === 'Localhost',
  },
];

const CONTAINER_FIELDS_REFUSED: readonly FieldEffect<Container>[] = [
  { field: 'volumeDevices', isUsed: (container) => hasItems(container.volumeDevices) },
  {
    field: 'securityContext.appArmorProfile (Localhost)',
    isUsed: ({ securityContext }) => securityContext?.appArmorProfile?.type === 'Localhost',
  },
  { field: 'livenessProbe.grpc', isUsed: (one) => one.livenessProbe?.grpc !== undefined },
  { field: 'readinessProbe.grpc', isUsed: (one) => one.readinessProbe?.grpc !== undefined },
  { field: 'startupProbe.grpc', isUsed: (one) => one.startupProbe?.grpc !== undefined },
  {
    field: 'env[*].valueFrom.fileKeyRef',
    isUsed: ({ env = [] }) => env.some(({ valueFrom }) => valueFrom?.fileKeyRef !== undefined),
  },
];

const VOLUME_TYPES: readonly string[] = [
  'configMap',
  'downwardAPI',
  'emptyDir',
  'hostPath',
  'projected',
  'secret',
] satisfies readonly (keyof Volume)[];

/** One text for each field that is used without effect. `at` is the path of the spec. */
export function podWarnings(at: string, spec: PodSpec | undefined): readonly string[] {
  if (spec === undefined) return [];
  const fields = SPEC_FIELDS_WITHOUT_EFFECT.filter(({ isUsed }) => isUsed(spec)).map(
    ({ field }) => `${at}.${field}`,
  );
  eachContainer(at, spec, (path, container) => {
    for (const { field, isUsed } of CONTAINER_FIELDS_WITHOUT_EFFECT) {
      if (isUsed(container)) fields.push(`${path}.${field}`);
    }
  });
  return fields.map((field) => `${field}: stored, but it has no effect yet`);
}

export function templateWarnings(template: PodTemplateSpec | undefined): readonly string[] {
  return podWarnings('spec.template.spec', template?.spec);
}

/** What a pod may not ask for, because nothing would honour it. */
export function refusedFieldErrors(at: string, spec: PodSpec): FieldError[] {
  const errors = SPEC_FIELDS_REFUSED.filter(({ isUsed }) => isUsed(spec)).map(({ field }) =>
    forbiddenField(`${at}.${field}`, 'not supported yet'),
  );
  eachContainer(at, spec, (field, container) => {
    for (const { field: below, isUsed } of CONTAINER_FIELDS_REFUSED) {
      if (isUsed(container)) errors.push(forbiddenField(`${field}.${below}`, 'not supported yet'));
    }
    if (spec.hostNetwork === true) return;
    for (const [index, { hostPort = 0 }] of (container.ports ?? []).entries()) {
      if (hostPort === 0) continue;
      const why = 'not supported yet, except in pods with hostNetwork';
      errors.push(forbiddenField(`${field}.ports[${index}].hostPort`, why));
    }
  });
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const type of Object.keys(volume)) {
      if (type === 'name' || VOLUME_TYPES.includes(type)) continue;
      const why = `volumes of type ${type} are not supported yet`;
      errors.push(forbiddenField(`${at}.volumes[${index}].${type}`, why));
    }
  }
  return errors;
}

function eachContainer(
  at: string,
  spec: PodSpec,
  visit: (path: string, container: Container) => void,
): void {
  for (const name of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[name] ?? []).entries()) {
      visit(`${at}.${name}[${index}]`, container);
    }
  }
}

function hasItems(list: readonly unknown[] | undefined): boolean {
  return (list ?? []).length > 0;
}
