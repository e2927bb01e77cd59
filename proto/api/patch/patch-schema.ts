/** What strategic merge patch asks of the schema: how a field is merged, and by which key. */

import { type FieldInfo, isTypeName, type TypeRef, typeNamed } from '../schema.ts';

/** How the value of one key is patched. */
export interface PatchField {
  /** The type of the value, or of each item of a list; absent: not known. */
  readonly ref: TypeRef | undefined;
  /** Objects merge unless they say `replace`; lists replace unless they say `merge`. */
  readonly strategy: 'merge' | 'replace' | undefined;
  /** The field that identifies an item; absent for lists of scalars. */
  readonly mergeKey: string | undefined;
}

const UNKNOWN: PatchField = { ref: undefined, strategy: undefined, mergeKey: undefined };

/** The field `key` of a value of type `ref`; all keys of a map are alike. */
export function patchField(ref: TypeRef | undefined, key: string): PatchField {
  if (ref === undefined) return UNKNOWN;
  if (typeof ref !== 'string') return { ...UNKNOWN, ref: ref.map };
  if (!isTypeName(ref)) return UNKNOWN;
  const type = typeNamed(ref);
  const field = type.isCustom ? undefined : type.fields.get(key);
  if (field === undefined) return UNKNOWN;
  return { ref: field.t, strategy: strategyOf(field), mergeKey: field.patchKey };
}

function strategyOf(field: FieldInfo): PatchField['strategy'] {
  const strategies = field.patch?.split(',') ?? [];
  if (strategies.includes('merge')) return 'merge';
  return strategies.includes('replace') ? 'replace' : undefined;
}
