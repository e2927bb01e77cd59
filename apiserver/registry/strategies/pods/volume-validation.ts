/**
 * Validation of the volumes of a pod.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateVolumes`, v1.36.
 */

import type {
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../../../../proto/api/gen/core-v1.ts';
import { configMapKeyErrors, dns1123LabelErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  duplicate,
  forbiddenField,
  invalidField,
  nonNegativeQuantity,
  required,
  texts,
} from '../../../../proto/api/validation.ts';
import { fieldRefErrors, resourceFieldRefErrors } from './env-validation.ts';

const MODE_MAX = 0o777;
const TOKEN_EXPIRATION_SECONDS_MIN = 600;
const TOKEN_EXPIRATION_SECONDS_MAX = 2 ** 32;

/** What a downwardAPI volume can hold. */
const VOLUME_FIELDS: readonly string[] = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

interface VolumeFindings {
  readonly errors: readonly FieldError[];
  /** The names that volume mounts may use. */
  readonly names: ReadonlySet<string>;
}

export function volumeErrors(at: string, volumes: readonly Volume[]): VolumeFindings {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const field = `${at}[${index}]`;
    const name = volume.name ?? '';
    if (name === '') errors.push(required(`${field}.name`));
    else errors.push(...texts(`${field}.name`, name, dns1123LabelErrors(name)));
    if (name !== '' && names.has(name)) errors.push(duplicate(`${field}.name`, name));
    names.add(name);
    errors.push(...sourceErrors(field, volume));
  }
  return { errors, names };
}

function sourceErrors(at: string, volume: Volume): FieldError[] {
  const { name: _name, ...sources } = volume;
  const given = Object.entries(sources).filter(([, source]) => source !== undefined);
  if (given.length === 0) return [required(at, 'must specify a volume type')];
  const errors = given
    .slice(1)
    .map(([type]) => forbiddenField(`${at}.${type}`, 'may not specify more than 1 volume type'));
  const { configMap, secret, hostPath, emptyDir, persistentVolumeClaim, projected } = volume;
  if (configMap !== undefined) {
    if (!configMap.name) errors.push(required(`${at}.configMap.name`));
    errors.push(...modeErrors(`${at}.configMap.defaultMode`, configMap.defaultMode));
    errors.push(...itemErrors(`${at}.configMap.items`, configMap.items ?? []));
  }
  if (secret !== undefined) {
    if (!secret.secretName) errors.push(required(`${at}.secret.secretName`));
    errors.push(...modeErrors(`${at}.secret.defaultMode`, secret.defaultMode));
    errors.push(...itemErrors(`${at}.secret.items`, secret.items ?? []));
  }
  if (hostPath !== undefined) {
    if (!hostPath.path) errors.push(required(`${at}.hostPath.path`));
    errors.push(...backstepErrors(`${at}.hostPath.path`, hostPath.path ?? ''));
  }
  if (emptyDir?.sizeLimit !== undefined) {
    errors.push(...nonNegativeQuantity(`${at}.emptyDir.sizeLimit`, emptyDir.sizeLimit));
  }
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.claimName) {
    errors.push(required(`${at}.persistentVolumeClaim.claimName`));
  }
  if (volume.downwardAPI !== undefined) {
    const field = `${at}.downwardAPI`;
    errors.push(...modeErrors(`${field}.defaultMode`, volume.downwardAPI.defaultMode));
    errors.push(...downwardErrors(`${field}`, volume.downwardAPI.items ?? []));
  }
  if (projected !== undefined) errors.push(...projectedErrors(`${at}.projected`, projected));
  return errors;
}

function projectedErrors(at: string, projected: ProjectedVolumeSource): FieldError[] {
  const errors = [...modeErrors(`${at}.defaultMode`, projected.defaultMode)];
  for (const [index, source] of (projected.sources ?? []).entries()) {
    errors.push(...projectionErrors(`${at}.sources[${index}]`, source));
  }
  return errors;
}

function projectionErrors(at: string, source: VolumeProjection): FieldError[] {
  const given = Object.entries(source).filter(([, value]) => value !== undefined);
  if (given.length === 0) return [required(at, 'must specify a volume type')];
  const errors = given
    .slice(1)
    .map(([type]) => forbiddenField(`${at}.${type}`, 'may not specify more than 1 volume type'));
  for (const type of ['configMap', 'secret'] as const) {
    const part = source[type];
    if (part === undefined) continue;
    if (!part.name) errors.push(required(`${at}.${type}.name`));
    errors.push(...itemErrors(`${at}.${type}.items`, part.items ?? []));
  }
  if (source.downwardAPI !== undefined) {
    errors.push(...downwardErrors(`${at}.downwardAPI`, source.downwardAPI.items ?? []));
  }
  const token = source.serviceAccountToken;
  if (token !== undefined) {
    const field = `${at}.serviceAccountToken`;
    if (!token.path) errors.push(required(`${field}.path`));
    else errors.push(...localPathErrors(`${field}.path`, token.path));
    errors.push(...tokenExpirationErrors(`${field}.expirationSeconds`, token.expirationSeconds));
  }
  return errors;
}

function tokenExpirationErrors(field: string, seconds: number | undefined): FieldError[] {
  if (seconds === undefined) return [];
  if (seconds < TOKEN_EXPIRATION_SECONDS_MIN) {
    return [invalidField(field, seconds, 'may not specify a duration less than 10 minutes')];
  }
  if (seconds <= TOKEN_EXPIRATION_SECONDS_MAX) return [];
  return [invalidField(field, seconds, 'may not specify a duration larger than 2^32 seconds')];
}

interface DownwardItem {
  readonly path?: string;
  readonly mode?: number;
  readonly fieldRef?: { readonly apiVersion?: string; readonly fieldPath?: string };
  readonly resourceFieldRef?: { readonly resource?: string; readonly containerName?: string };
}

function downwardErrors(at: string, items: readonly DownwardItem[]): FieldError[] {
  return items.flatMap((item) => {
    const errors: FieldError[] = [];
    if (!item.path) errors.push(required(`${at}.path`));
    else errors.push(...localPathErrors(`${at}.path`, item.path));
    if (item.fieldRef !== undefined) {
      errors.push(...fieldRefErrors(`${at}.fieldRef`, item.fieldRef, VOLUME_FIELDS));
      if (item.resourceFieldRef !== undefined) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
        errors.push(invalidField(at, 'resource', why));
      }
    } else if (item.resourceFieldRef !== undefined) {
      const field = `${at}.resourceFieldRef`;
      errors.push(...resourceFieldRefErrors(field, item.resourceFieldRef, 'volume'));
    } else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
    return [...errors, ...modeErrors(`${at}.mode`, item.mode)];
  });
}

function itemErrors(at: string, items: readonly KeyToPath[]): FieldError[] {
  return items.flatMap((item, index) => {
    const field = `${at}[${index}]`;
    const errors: FieldError[] = [];
    if (!item.key) errors.push(required(`${field}.key`));
    else errors.push(...texts(`${field}.key`, item.key, configMapKeyErrors(item.key)));
    if (!item.path) errors.push(required(`${field}.path`));
    else errors.push(...localPathErrors(`${field}.path`, item.path));
    return [...errors, ...modeErrors(`${field}.mode`, item.mode)];
  });
}

function modeErrors(field: string, mode: number | undefined): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= MODE_MAX)) return [];
  const why = 'must be a number between 0 and 0777 (octal), both inclusive';
  return [invalidField(field, mode, why)];
}

/** A path that stays below where it begins. */
export function localPathErrors(field: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith('/')) errors.push(invalidField(field, path, 'must be a relative path'));
  return [...errors, ...backstepErrors(field, path)];
}

export function backstepErrors(field: string, path: string): FieldError[] {
  if (!path.split('/').includes('..')) return [];
  return [invalidField(field, path, "must not contain '..'")];
}
