/**
 * Finds the fields that hold none of the values that the schema allows. Empty texts are unset fields;
 * whether a field may be unset is for the kind's strategy to say. Parts of the schema without such
 * fields are not walked.
 */

import { type FieldInfo, isTypeName, type TypeRef, typeNamed } from '../../proto/api/schema.ts';
import type { FieldError } from '../../proto/api/status-error.ts';
import { notSupported } from '../../proto/api/validation.ts';

/** By the name of a type: those of its fields with values to check in them or below. */
const checkedFields = new Map<string, readonly FieldInfo[]>();

/** `typeName` is the object's; paths in the errors are from the object on. */
export function enumErrors(typeName: string, object: object): readonly FieldError[] {
  const errors: FieldError[] = [];
  walk(typeName, object, '', errors);
  return errors;
}

function walk(typeName: string, tree: unknown, at: string, errors: FieldError[]): void {
  if (typeof tree !== 'object' || tree === null) return;
  for (const field of fieldsToCheck(typeName)) {
    const value = (tree as Record<string, unknown>)[field.json];
    if (value === undefined || value === null) continue;
    const path = at === '' ? field.json : `${at}.${field.json}`;
    if (field.list !== undefined && Array.isArray(value)) {
      for (const [index, item] of value.entries()) check(field, item, `${path}[${index}]`, errors);
    } else check(field, value, path, errors);
  }
}

function check(field: FieldInfo, value: unknown, path: string, errors: FieldError[]): void {
  if (field.enum === undefined) {
    const type = typeBelow(field.t);
    if (type === undefined) return;
    if (typeof field.t === 'string') walk(type, value, path, errors);
    else
      for (const [key, item] of Object.entries(value as object))
        walk(type, item, `${path}[${key}]`, errors);
    return;
  }
  if (value === '' || (typeof value === 'string' && field.enum.includes(value))) return;
  errors.push(
    notSupported(
      path,
      value,
      field.enum.filter((one) => one !== ''),
    ),
  );
}

function fieldsToCheck(typeName: string): readonly FieldInfo[] {
  const known = checkedFields.get(typeName);
  if (known !== undefined) return known;
  // A type that contains itself (a JSON schema) is taken to have nothing while it is looked at.
  checkedFields.set(typeName, []);
  const fields = [...typeNamed(typeName).fields.values()].filter((field) => {
    if (field.enum !== undefined) return true;
    const type = typeBelow(field.t);
    return type !== undefined && fieldsToCheck(type).length > 0;
  });
  checkedFields.set(typeName, fields);
  return fields;
}

/** The type of a field, or of the values of a map. */
function typeBelow(ref: TypeRef): string | undefined {
  const inner = typeof ref === 'string' ? ref : ref.map;
  return isTypeName(inner) ? inner : undefined;
}
