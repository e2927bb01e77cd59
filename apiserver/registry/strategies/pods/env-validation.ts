/**
 * Validation of environment variables and of references to fields of the pod.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateEnv`, v1.36.
 */

import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../../../proto/api/gen/core-v1.ts';
import {
  configMapKeyErrors,
  environmentNameErrors,
  qualifiedNameErrors,
} from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import { invalidField, notSupported, required, texts } from '../../../../proto/api/validation.ts';

/** What an environment variable can hold. */
const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const ENV_RESOURCES: readonly string[] = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const SOURCES = ['configMapKeyRef', 'fieldRef', 'fileKeyRef', 'resourceFieldRef', 'secretKeyRef'];

export function envErrors(at: string, env: readonly EnvVar[]): FieldError[] {
  return env.flatMap((variable, index) => {
    const field = `${at}[${index}]`;
    const { name = '', value = '', valueFrom } = variable;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${field}.name`));
    else errors.push(...texts(`${field}.name`, name, environmentNameErrors(name)));
    if (valueFrom === undefined) return errors;
    return [...errors, ...sourceErrors(`${field}.valueFrom`, valueFrom, value)];
  });
}

function sourceErrors(at: string, source: EnvVarSource, value: string): FieldError[] {
  const given = Object.values(source).filter((one) => one !== undefined);
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef } = source;
  if (fieldRef !== undefined)
    errors.push(...fieldRefErrors(`${at}.fieldRef`, fieldRef, ENV_FIELDS));
  if (resourceFieldRef !== undefined) {
    errors.push(...resourceFieldRefErrors(`${at}.resourceFieldRef`, resourceFieldRef, 'env'));
  }
  for (const type of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[type];
    if (reference === undefined) continue;
    const field = `${at}.${type}`;
    if (!reference.name) errors.push(required(`${field}.name`));
    if (!reference.key) errors.push(required(`${field}.key`));
    else errors.push(...texts(`${field}.key`, reference.key, configMapKeyErrors(reference.key)));
  }
  if (given.length === 0) {
    const list = SOURCES.map((name) => `\`${name}\``);
    const why = `must specify one of: ${list.slice(0, -1).join(', ')} or ${list.at(-1)}`;
    errors.push(invalidField(at, '', why));
  } else if (value !== '') {
    errors.push(invalidField(at, '', 'may not be specified when `value` is not empty'));
  } else if (given.length > 1) {
    errors.push(invalidField(at, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

/** `supported`: the fields besides single labels and annotations. */
export function fieldRefErrors(
  at: string,
  reference: Partial<ObjectFieldSelector>,
  supported: readonly string[],
): FieldError[] {
  const { fieldPath = '' } = reference;
  const field = `${at}.fieldPath`;
  if (fieldPath === '') return [required(field)];
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const [, , key = ''] = subscript;
    return [...texts(field, key, qualifiedNameErrors(key))];
  }
  if (supported.includes(fieldPath)) return [];
  const isKnown =
    ENV_FIELDS.includes(fieldPath) || /^metadata\.(annotations|labels)$/.test(fieldPath);
  if (isKnown) return [notSupported(field, fieldPath, supported)];
  const why = `error converting fieldPath: field label not supported: ${fieldPath}`;
  return [invalidField(field, fieldPath, why)];
}

export function resourceFieldRefErrors(
  at: string,
  reference: Partial<ResourceFieldSelector>,
  place: 'env' | 'volume',
): FieldError[] {
  const { resource = '', containerName = '' } = reference;
  if (place === 'volume' && containerName === '') return [required(`${at}.containerName`)];
  if (resource === '') return [required(`${at}.resource`)];
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (ENV_RESOURCES.includes(resource) || isHugePages) return [];
  return [notSupported(`${at}.resource`, resource, ENV_RESOURCES)];
}

export function envFromErrors(at: string, sources: readonly EnvFromSource[]): FieldError[] {
  return sources.flatMap((source, index) => {
    const field = `${at}[${index}]`;
    const { prefix = '', configMapRef, secretRef } = source;
    const errors: FieldError[] = [];
    if (prefix !== '')
      errors.push(...texts(`${field}.prefix`, prefix, environmentNameErrors(prefix)));
    if (configMapRef !== undefined && !configMapRef.name) {
      errors.push(required(`${field}.configMapRef.name`));
    }
    if (secretRef !== undefined && !secretRef.name)
      errors.push(required(`${field}.secretRef.name`));
    if (configMapRef === undefined && secretRef === undefined) {
      const why = 'must specify one of: `configMapRef` or `secretRef`';
      errors.push(invalidField(field, '', why));
    }
    if (configMapRef !== undefined && secretRef !== undefined) {
      const why = 'may not have more than one field specified at a time';
      errors.push(invalidField(field, '', why));
    }
    return errors;
  });
}
