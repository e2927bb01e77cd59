/**
 * Problems of single fields, and the checks that every kind shares: metadata, labels, annotations,
 * owner references, selectors. Returns {@link FieldError}s in upstream's words and never throws; what
 * is special of a kind is checked by its strategy.
 *
 * Source: kubernetes/apimachinery pkg/util/validation/field/errors.go, pkg/api/validation, v0.36.
 */

import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  maskTrailingDash,
  pathSegmentErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from './names.ts';
import { parseQuantity, quantityError } from './quantity.ts';
import type { FieldError } from './status-error.ts';

/** All annotations of an object together, in bytes of keys and values. */
export const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** A name is a path segment of a URL and part of a key of the store. */
export const NAME_RULES = {
  subdomain: dns1123SubdomainErrors,
  label: dns1123LabelErrors,
  label1035: dns1035LabelErrors,
  path: pathSegmentErrors,
} as const;
export type NameRule = keyof typeof NAME_RULES;

export const IMMUTABLE = 'field is immutable';
const NOT_NEGATIVE = 'must be greater than or equal to 0';

export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: withDetail('Required value', detail) };
}

/** `value` is shown as Go prints it: texts quoted, numbers bare, everything else as JSON. */
export function invalidField(field: string, value: unknown, detail: string): FieldError {
  const message = withDetail(`Invalid value: ${shown(value)}`, detail);
  return { type: 'FieldValueInvalid', field, message };
}

export function notSupported(
  field: string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  const list = supported.map((one) => JSON.stringify(one)).join(', ');
  const detail = supported.length > 0 ? `supported values: ${list}` : '';
  const message = withDetail(`Unsupported value: ${shown(value)}`, detail);
  return { type: 'FieldValueNotSupported', field, message };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` };
}

export function notFoundField(field: string, value: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, message: `Not found: ${shown(value)}` };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: withDetail('Forbidden', detail) };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  const unit = maxBytes === 1 ? 'byte' : 'bytes';
  const message = `Too long: may not be more than ${maxBytes} ${unit}`;
  return { type: 'FieldValueTooLong', field, message };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  const unit = max === 1 ? 'item' : 'items';
  const message = `Too many: ${actual}: must have at most ${max} ${unit}`;
  return { type: 'FieldValueTooMany', field, message };
}

export function nonNegative(field: string, value: number): readonly FieldError[] {
  return value >= 0 ? [] : [invalidField(field, value, NOT_NEGATIVE)];
}

export function portNumber(field: string, value: number): readonly FieldError[] {
  return texts(field, value, portNumberErrors(value));
}

/** A quantity, and not less than zero. */
export function nonNegativeQuantity(field: string, value: string): readonly FieldError[] {
  const quantity = parseQuantity(value);
  if (quantity === undefined) return [invalidField(field, value, quantityError(value) ?? '')];
  return quantity.nano >= 0n ? [] : [invalidField(field, value, NOT_NEGATIVE)];
}

/** One error for each of the texts, as the functions of names.ts give them. */
export function texts(
  field: string,
  value: unknown,
  errors: readonly string[],
): readonly FieldError[] {
  return errors.length === 0 ? [] : errors.map((error) => invalidField(field, value, error));
}

export function labelErrors(
  field: string,
  labels: Readonly<Record<string, string>>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const key of Object.keys(labels)) {
    const value = labels[key] ?? '';
    errors.push(...texts(field, key, qualifiedNameErrors(key)));
    errors.push(...texts(field, value, labelValueErrors(value)));
  }
  return errors;
}

export function annotationErrors(
  field: string,
  annotations: Readonly<Record<string, string>>,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key of Object.keys(annotations)) {
    errors.push(...texts(field, key, qualifiedNameErrors(key.toLowerCase())));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '');
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(field, ANNOTATIONS_BYTES_MAX));
  return errors;
}

interface SelectorToCheck {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** Checks a `LabelSelector` object. */
export function labelSelectorErrors(
  field: string,
  selector: SelectorToCheck | undefined,
): readonly FieldError[] {
  if (selector === undefined) return [];
  const errors = [...labelErrors(`${field}.matchLabels`, selector.matchLabels ?? {})];
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`;
    const { key, operator, values = [] } = expression;
    if (operator === 'In' || operator === 'NotIn') {
      const detail = "must be specified when `operator` is 'In' or 'NotIn'";
      if (values.length === 0) errors.push(required(`${at}.values`, detail));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) errors.push(forbiddenField(`${at}.values`, detail));
    } else {
      errors.push(invalidField(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    errors.push(...texts(`${at}.key`, key, qualifiedNameErrors(key)));
    for (const [i, value] of values.entries()) {
      errors.push(...texts(`${at}.values[${i}]`, value, labelValueErrors(value)));
    }
  }
  return errors;
}

/** The part of metadata that is checked on every write. */
interface MetadataToCheck {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly unknown[];
  readonly finalizers?: readonly string[];
}

/** Checks the metadata of an object that is created or was changed. */
export function metadataErrors(
  metadata: MetadataToCheck,
  rule: { readonly namespaced: boolean; readonly nameRule: NameRule },
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const nameErrors = NAME_RULES[rule.nameRule];
  const { name = '', generateName = '', namespace = '' } = metadata;
  if (generateName !== '') {
    const problems = nameErrors(maskTrailingDash(generateName));
    errors.push(...texts('metadata.generateName', generateName, problems));
  }
  if (name === '') errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...texts('metadata.name', name, nameErrors(name)));
  if (!rule.namespaced) {
    if (namespace !== '') {
      errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
    }
  } else if (namespace === '') errors.push(required('metadata.namespace'));
  else errors.push(...texts('metadata.namespace', namespace, dns1123LabelErrors(namespace)));
  errors.push(...nonNegative('metadata.generation', metadata.generation ?? 0));
  if (metadata.labels !== undefined) {
    errors.push(...labelErrors('metadata.labels', metadata.labels));
  }
  if (metadata.annotations !== undefined) {
    errors.push(...annotationErrors('metadata.annotations', metadata.annotations));
  }
  if (metadata.ownerReferences !== undefined) {
    errors.push(...ownerReferenceErrors('metadata.ownerReferences', metadata.ownerReferences));
  }
  if (metadata.finalizers !== undefined) errors.push(...finalizerErrors(metadata.finalizers));
  return errors;
}

/** Finalizers that are new on an object whose deletion has begun are forbidden. */
export function newFinalizerErrors(
  finalizers: readonly string[],
  old: readonly string[],
): readonly FieldError[] {
  const added = finalizers.filter((finalizer) => !old.includes(finalizer)).sort();
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [forbiddenField('metadata.finalizers', detail)];
}

function finalizerErrors(finalizers: readonly string[]): readonly FieldError[] {
  const field = 'metadata.finalizers';
  const errors = finalizers.flatMap((name) => texts(field, name, qualifiedNameErrors(name)));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const detail = 'finalizer orphan and foregroundDeletion cannot be both set';
    errors.push(invalidField(field, finalizers, detail));
  }
  return errors;
}

function ownerReferenceErrors(field: string, owners: readonly unknown[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  let controller = '';
  for (const [index, owner] of owners.entries()) {
    const at = `${field}[${index}]`;
    const { apiVersion, kind, name, uid, controller: isController } = owner as OwnerToCheck;
    for (const [part, value] of Object.entries({ apiVersion, kind, name, uid })) {
      if (value === undefined || value === '') {
        errors.push(required(`${at}.${part}`, 'must not be empty'));
      }
    }
    if (apiVersion !== undefined && !/^$|^([^/]+\/)?[^/]+$/.test(apiVersion)) {
      const detail = 'must be <group>/<version> or <version>';
      errors.push(invalidField(`${at}.apiVersion`, apiVersion, detail));
    }
    if (apiVersion === 'v1' && kind === 'Event') {
      errors.push(invalidField(at, owner, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (isController !== true) continue;
    if (controller !== '') {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${kind}/${name}`;
      errors.push(invalidField(field, owners, detail));
    }
    controller = `${kind}/${name}`;
  }
  return errors;
}

interface OwnerToCheck {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

function shown(value: unknown): string {
  if (value === undefined) return 'null';
  return typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'null');
}

function withDetail(message: string, detail: string): string {
  return detail === '' ? message : `${message}: ${detail}`;
}
