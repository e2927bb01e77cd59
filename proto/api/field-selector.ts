/**
 * Field selectors: `spec.nodeName=n1,status.phase!=Failed`. Which fields a kind offers is its
 * strategy's business; asking for another one is an error here.
 *
 * Source: kubernetes/apimachinery pkg/fields/selector.go, v0.36.
 */

import { badRequest } from './status-error.ts';

/** One condition on one field. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/**
 * Parses conditions joined by commas, with `=`, `==` and `!=`; in values `\,`, `\=` and `\\` stand for
 * the character. Throws an ApiError 400.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
      if (match === null) {
        throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      }
      const [, field = '', operator, value = ''] = match;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
    });
}

/**
 * True when all conditions hold. A field that the object's kind does not offer (it is not a key of
 * `fields`) is an ApiError 400.
 */
export function matchesFields(
  selector: readonly FieldRequirement[],
  fields: Readonly<Record<string, string>>,
): boolean {
  for (const { field, operator, value } of selector) {
    if (!Object.hasOwn(fields, field)) throw badRequest(`field label not supported: ${field}`);
    if ((fields[field] === value) !== (operator === '=')) return false;
  }
  return true;
}

/** The value that the field must have, if the selector names exactly one. */
export function exactFieldValue(
  selector: readonly FieldRequirement[],
  field: string,
): string | undefined {
  return selector.find((one) => one.field === field && one.operator === '=')?.value;
}

/** The text that parses to the same conditions. */
export function formatFieldSelector(selector: readonly FieldRequirement[]): string {
  return selector
    .map(({ field, operator, value }) => `${field}${operator}${escapeFieldValue(value)}`)
    .join(',');
}

export function escapeFieldValue(value: string): string {
  return value.replaceAll(/[\\,=]/g, (character) => `\\${character}`);
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function unescapeValue(text: string): string {
  return text.replaceAll(/\\(.?)|[,=]/gs, (found, escaped: string | undefined) => {
    if (escaped === undefined) {
      const code = found.codePointAt(0) ?? 0;
      throw badRequest(`invalid field selector: unescaped character in value: ${code}`);
    }
    if (/^[\\,=]$/.test(escaped)) return escaped;
    throw badRequest(`invalid field selector: invalid escape sequence: ${found}`);
  });
}
