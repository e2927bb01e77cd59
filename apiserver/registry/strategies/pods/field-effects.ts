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
  { field: 'dnsConfig', isUsed: (spec) => spec.dnsConfig !== undefined },
  { field: 'hostAliases', isUsed: (spec) => hasItems(spec.hostAliases) },
  { field: 'imagePullSecrets', isUsed: (spec) => hasItems(spec.imagePullSecrets) },
  { field: 'overhead', isUsed: (spec) => spec.overhead !== undefined },
  { field: 'preemptionPolicy', isUsed: (spec) => spec.preemptionPolicy === 'Never' },
  { field: 'readinessGates', isUsed: (spec) => hasItems(spec.readinessGates) },
  { field: 'resources', isUsed: (spec) => spec.resources !== undefined },
  { field: 'setHostnameAsFQDN', isUsed: (spec) => spec.setHostnameAsFQDN === true },
  { field: 'subdomain', isUsed: (spec) => (spec.subdomain ?? '') !== '' },
  {
    field: 'securityContext.fsGroup',
    isUsed: (spec) => spec.securityContext?.fsGroup !== undefined,
  },
  {
    field: 'securityContext.sysctls',
    isUsed: (spec) => hasItems(spec.securityContext?.sysctls),
  },
];

const CONTAINER_FIELDS_WITHOUT_EFFECT: readonly FieldEffect<Container>[] = [
  {
    field: 'ports[*].hostPort',
    isUsed: ({ ports = [] }) => ports.some((port) => (port.hostPort ?? 0) > 0),
  },
  { field: 'resizePolicy', isUsed: (container) => hasItems(container.resizePolicy) },
  {
    field: 'resources (other than cpu and memory)',
    isUsed: ({ resources }) =>
      Object.keys({ ...resources?.limits, ...resources?.requests }).some(
        (name) => name !== 'cpu' && name !== 'memory',
      ),
  },
];

/** Asking for more isolation than there is must fail; so must asking for what isn't there at all. */
const SPEC_FIELDS_REFUSED: readonly FieldEffect<PodSpec>[] = [
  { field: 'hostUsers', isUsed: (spec) => spec.hostUsers === false },
  { field: 'resourceClaims', isUsed: (spec) => hasItems(spec.resourceClaims) },
  { field: 'runtimeClassName', isUsed: (spec) => (spec.runtimeClassName ?? '') !== '' },
  { field: 'schedulingGroup', isUsed: (spec) => spec.schedulingGroup !== undefined },
  { field: 'hostnameOverride', isUsed: (spec) => spec.hostnameOverride !== undefined },
  { field: 'os', isUsed: (spec) => spec.os !== undefined && spec.os.name !== 'linux' },
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
  for (const name of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[name] ?? []).entries()) {
      for (const { field, isUsed } of CONTAINER_FIELDS_WITHOUT_EFFECT) {
        if (isUsed(container)) fields.push(`${at}.${name}[${index}].${field}`);
      }
    }
  }
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
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const type of Object.keys(volume)) {
      if (type === 'name' || VOLUME_TYPES.includes(type)) continue;
      const why = `volumes of type ${type} are not supported yet`;
      errors.push(forbiddenField(`${at}.volumes[${index}].${type}`, why));
    }
  }
  return errors;
}

function hasItems(list: readonly unknown[] | undefined): boolean {
  return (list ?? []).length > 0;
}
