/**
 * Validation of resource requests and limits.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateContainerResourceRequirements`,
 * v1.36.
 */

import type { ResourceRequirements } from '../../../../proto/api/gen/core-v1.ts';
import { qualifiedNameErrors } from '../../../../proto/api/names.ts';
import {
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from '../../../../proto/api/quantity.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  forbiddenField,
  invalidField,
  nonNegativeQuantity,
  required,
  texts,
} from '../../../../proto/api/validation.ts';

const STANDARD: readonly string[] = ['cpu', 'memory', 'ephemeral-storage'];
const HUGE_PAGES_PREFIX = 'hugepages-';
const WHOLE = 1_000_000_000n;

export function resourceErrors(at: string, resources: ResourceRequirements = {}): FieldError[] {
  const { limits = {}, requests = {}, claims = [] } = resources;
  const errors: FieldError[] = [];
  for (const [name, text] of Object.entries(limits)) {
    errors.push(...amountErrors(`${at}.limits`, name, text));
  }
  for (const [name, text] of Object.entries(requests)) {
    errors.push(...amountErrors(`${at}.requests`, name, text));
    errors.push(...overLimitErrors(`${at}.requests`, name, text, limits[name]));
  }
  if (claims.length > 0) {
    errors.push(forbiddenField(`${at}.claims`, 'dynamic resource allocation is not supported'));
  }
  return errors;
}

function amountErrors(at: string, name: string, text: string): FieldError[] {
  const errors = [...nameErrors(at, name), ...nonNegativeQuantity(`${at}[${name}]`, text)];
  const quantity = parseQuantity(text);
  if (quantity !== undefined && isWhole(name) && quantity.nano % WHOLE !== 0n) {
    errors.push(invalidField(`${at}[${name}]`, text, 'must be an integer'));
  }
  return errors;
}

function nameErrors(at: string, name: string): FieldError[] {
  if (STANDARD.includes(name) || name.startsWith(HUGE_PAGES_PREFIX)) return [];
  const errors = [...texts(at, name, qualifiedNameErrors(name))];
  if (errors.length > 0) return errors;
  if (!name.includes('/')) {
    errors.push(invalidField(at, name, 'must be a standard resource type or fully qualified'));
    errors.push(invalidField(at, name, 'must be a standard resource for containers'));
  } else if (name.startsWith('kubernetes.io/') || name.startsWith('requests.')) {
    errors.push(invalidField(at, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

function overLimitErrors(
  at: string,
  name: string,
  text: string,
  limitText: string | undefined,
): FieldError[] {
  const request = parseQuantity(text);
  if (request === undefined) return [];
  if (limitText === undefined) {
    if (!isWhole(name)) return [];
    return [required(`${at.replace(/requests$/, 'limits')}`, noLimit())];
  }
  const limit = parseQuantity(limitText);
  if (limit === undefined) return [];
  const order = compareQuantities(request, limit);
  if (isWhole(name) && order !== 0) return [over(at, request, 'equal to', name, limit)];
  return order > 0 ? [over(at, request, 'less than or equal to', name, limit)] : [];
}

function noLimit(): string {
  return 'Limit must be set for non overcommitable resources';
}

function over(
  at: string,
  request: Quantity,
  relation: string,
  name: string,
  limit: Quantity,
): FieldError {
  const why = `must be ${relation} ${name} limit of ${formatQuantity(limit)}`;
  return invalidField(at, formatQuantity(request), why);
}

/** Devices and huge pages come in whole units, and a node can't promise more than it has. */
function isWhole(name: string): boolean {
  return name.includes('/') || name.startsWith(HUGE_PAGES_PREFIX);
}
