/**
 * Validation of ConfigMaps and Secrets.
 * Source: kubernetes pkg/apis/core/validation/validation.go, v1.36.
 */

import type { ConfigMap, Secret } from '../../../../proto/api/gen/core-v1.ts';
import { configMapKeyErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  forbiddenField,
  IMMUTABLE,
  invalidField,
  required,
  texts,
  tooLong,
} from '../../../../proto/api/validation.ts';
import { isDeepEqual } from './deep-equal.ts';

/** All values together, in bytes. */
const DATA_BYTES_MAX = 1024 * 1024;
const IMMUTABLE_SET = 'field is immutable when `immutable` is set';
const REDACTED = '<secret contents redacted>';

type Texts = Readonly<Record<string, string>>;

export function validateConfigMap(map: ConfigMap): readonly FieldError[] {
  const { data = {}, binaryData = {} } = map;
  const errors = [...keyErrors('data', data), ...keyErrors('binaryData', binaryData)];
  for (const key of Object.keys(data)) {
    if (!Object.hasOwn(binaryData, key)) continue;
    errors.push(invalidField(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  const size = sizeOf(data, 'utf8') + sizeOf(binaryData, 'base64');
  if (size > DATA_BYTES_MAX) errors.push(tooLong('', DATA_BYTES_MAX));
  return errors;
}

export function validateConfigMapUpdate(map: ConfigMap, old: ConfigMap): readonly FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (map.immutable !== true) errors.push(forbiddenField('immutable', IMMUTABLE_SET));
  for (const part of ['data', 'binaryData'] as const) {
    if (isDeepEqual(map[part] ?? {}, old[part] ?? {})) continue;
    errors.push(forbiddenField(part, IMMUTABLE_SET));
  }
  return errors;
}

export function validateSecret(secret: Secret): readonly FieldError[] {
  const { data = {} } = secret;
  const errors = keyErrors('data', data);
  if (sizeOf(data, 'base64') > DATA_BYTES_MAX) errors.push(tooLong('data', DATA_BYTES_MAX));
  return [...errors, ...secretTypeErrors(secret, data)];
}

export function validateSecretUpdate(secret: Secret, old: Secret): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (secret.type !== old.type) errors.push(invalidField('type', secret.type, IMMUTABLE));
  if (old.immutable !== true) return errors;
  if (secret.immutable !== true) errors.push(forbiddenField('immutable', IMMUTABLE_SET));
  if (!isDeepEqual(secret.data ?? {}, old.data ?? {})) {
    errors.push(forbiddenField('data', IMMUTABLE_SET));
  }
  return errors;
}

/** What secrets of the known types must hold. */
function secretTypeErrors(secret: Secret, data: Texts): FieldError[] {
  switch (secret.type) {
    case 'kubernetes.io/service-account-token': {
      const annotation = 'kubernetes.io/service-account.name';
      if (secret.metadata.annotations?.[annotation]) return [];
      return [required(`metadata.annotations[${annotation}]`)];
    }
    case 'kubernetes.io/dockercfg':
      return jsonErrors(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return jsonErrors(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      if (Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')) return [];
      return [required('data[username]'), required('data[password]')];
    case 'kubernetes.io/ssh-auth':
      return (data['ssh-privatekey'] ?? '') === '' ? [required('data[ssh-privatekey]')] : [];
    case 'kubernetes.io/tls':
      return ['tls.crt', 'tls.key']
        .filter((key) => !Object.hasOwn(data, key))
        .map((key) => required(`data[${key}]`));
    default:
      return [];
  }
}

function jsonErrors(data: Texts, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  try {
    JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
    return [];
  } catch (error) {
    const why = error instanceof SyntaxError ? 'not valid JSON' : String(error);
    return [invalidField(`data[${key}]`, REDACTED, why)];
  }
}

function keyErrors(field: string, data: Texts): FieldError[] {
  return Object.keys(data).flatMap((key) => [
    ...texts(`${field}[${key}]`, key, configMapKeyErrors(key)),
  ]);
}

function sizeOf(data: Texts, encoding: 'utf8' | 'base64'): number {
  return Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, encoding), 0);
}
