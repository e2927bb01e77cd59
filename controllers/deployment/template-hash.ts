/**
 * The `pod-template-hash` of a pod template, and when two templates are the same. The hash only
 * has to be the same for the same template; its alphabet is upstream's, without vowels.
 *
 * Source: kubernetes pkg/controller/controller_utils.go ComputeHash; apimachinery
 * pkg/util/rand.SafeEncodeString, v1.36.
 */

import type { PodTemplateSpec } from '../../proto/api/gen/core-v1.ts';

export const TEMPLATE_HASH_LABEL = 'pod-template-hash';

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** `collisionCount` makes another hash of the same template when the first one's name is taken. */
export function templateHash(template: PodTemplateSpec, collisionCount = 0): string {
  const text = canonicalText(withoutHash(template)) + (collisionCount > 0 ? collisionCount : '');
  let hash = FNV_OFFSET;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0;
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}

/** Whether pods of both would be the same, whatever their `pod-template-hash`. */
export function isSameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonicalText(withoutHash(a)) === canonicalText(withoutHash(b));
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [TEMPLATE_HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** JSON with sorted keys; nothing, an empty list and an empty map are the same. */
function canonicalText(value: unknown): string {
  return JSON.stringify(canonical(value)) ?? '';
}

function canonical(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    return value.length === 0 ? undefined : value.map((item) => canonical(item) ?? {});
  }
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, canonical(item)] as const)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
