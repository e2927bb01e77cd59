/**
 * The template language of `kubectl -o jsonpath=`: text with `{…}` expressions. Paths (`.a.b`,
 * `['a.b']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `..a`), filters (`[?(@.type=="Ready")]`), `{range …}{end}`
 * and quoted text. A path that finds nothing prints nothing, as kubectl's templates for output do.
 *
 * Source: kubernetes/client-go util/jsonpath/{parser,jsonpath}.go, v0.36; kubernetes.io "JSONPath
 * Support".
 */

import { canonicalJson } from './json.ts';

/** A template that can't be read; the message says where. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive'; readonly name: string | undefined }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | {
      readonly kind: 'filter';
      readonly left: Operand;
      readonly operator: string;
      readonly right: Operand;
    };

type Operand =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'path'; readonly steps: readonly Step[] };

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly steps: readonly Step[] }
  | { readonly kind: 'range'; readonly steps: readonly Step[]; readonly body: readonly Part[] };

const EXPRESSIONS_MAX = 1_000;

/**
 * Prints the template for an object. A template without braces is one expression, as `.a.b`.
 * Several values of one expression are separated by a space; objects and lists are printed as JSON with sorted keys.
 * Throws {@link JsonPathError}.
 */
export function evaluateJsonPath(template: string, object: unknown): string {
  const text = template.includes('{') ? template : `{${template}}`;
  return printParts(parseTemplate(text), object);
}

function printParts(parts: readonly Part[], object: unknown): string {
  return parts.map((part) => printPart(part, object)).join('');
}

function printPart(part: Part, object: unknown): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'path':
      return find(part.steps, object).map(printValue).join(' ');
    case 'range':
      return find(part.steps, object)
        .map((item) => printParts(part.body, item))
        .join('');
  }
}

function printValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? canonicalJson(value) : String(value);
}

function find(steps: readonly Step[], object: unknown): readonly unknown[] {
  return steps.reduce<readonly unknown[]>(
    (values, step) => values.flatMap((value) => follow(step, value)),
    [object],
  );
}

function follow(step: Step, value: unknown): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return isTree(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'wildcard':
      return children(value);
    case 'recursive': {
      const all = descendants(value);
      return step.name === undefined
        ? all
        : all.flatMap((one) => follow({ kind: 'field', name: step.name ?? '' }, one));
    }
    case 'index': {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'slice':
      return Array.isArray(value) ? value.slice(step.from, step.to) : [];
    case 'filter':
      return Array.isArray(value) ? value.filter((item) => matches(step, item)) : [];
  }
}

function matches(step: Extract<Step, { readonly kind: 'filter' }>, item: unknown): boolean {
  const [left] = operandValues(step.left, item);
  if (step.operator === 'exists') return left !== undefined;
  const [right] = operandValues(step.right, item);
  if (left === undefined || right === undefined) return false;
  switch (step.operator) {
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    default:
      return compare(left, right, step.operator);
  }
}

function compare(left: unknown, right: unknown, operator: string): boolean {
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) {
    return false;
  }
  const other = right as typeof left;
  if (operator === '<') return left < other;
  if (operator === '<=') return left <= other;
  return operator === '>' ? left > other : left >= other;
}

function operandValues(operand: Operand, item: unknown): readonly unknown[] {
  return operand.kind === 'literal' ? [operand.value] : find(operand.steps, item);
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function children(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isTree(value) ? Object.values(value) : [];
}

function descendants(value: unknown): readonly unknown[] {
  return [value, ...children(value).flatMap(descendants)];
}

/** Splits text and expressions, and puts what is between `range` and `end` inside the range. */
function parseTemplate(template: string): readonly Part[] {
  const stack: { readonly steps: readonly Step[]; readonly parts: Part[] }[] = [
    { steps: [], parts: [] },
  ];
  const add = (part: Part): void => void stack.at(-1)?.parts.push(part);
  let position = 0;
  for (let count = 0; position < template.length; count += 1) {
    if (count > EXPRESSIONS_MAX) throw new JsonPathError('the template has too many expressions');
    const open = template.indexOf('{', position);
    const text = template.slice(position, open < 0 ? undefined : open);
    if (text !== '') add({ kind: 'text', text });
    if (open < 0) break;
    const close = closingBrace(template, open);
    const expression = template.slice(open + 1, close).trim();
    position = close + 1;
    if (expression === 'end') {
      const range = stack.pop();
      if (range === undefined || stack.length === 0)
        throw new JsonPathError('"end" without "range"');
      add({ kind: 'range', steps: range.steps, body: range.parts });
    } else if (/^range\b/.test(expression)) {
      stack.push({ steps: parsePath(expression.slice(5).trim()), parts: [] });
    } else if (/^["']/.test(expression)) {
      add({ kind: 'text', text: unquote(expression) });
    } else add({ kind: 'path', steps: parsePath(expression) });
  }
  if (stack.length > 1) throw new JsonPathError('"range" without "end"');
  return stack[0]?.parts ?? [];
}

/** The brace that closes; those inside quotes do not count. */
function closingBrace(template: string, open: number): number {
  let quote = '';
  for (let index = open + 1; index < template.length; index += 1) {
    const letter = template[index] ?? '';
    if (quote !== '') {
      if (letter === '\\') index += 1;
      else if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '}') return index;
  }
  throw new JsonPathError(`unclosed action: "${template.slice(open)}"`);
}

const NAME = /^\.?((?:[A-Za-z0-9_$/-]|\\.)+)/;
const QUOTED = /^\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/;
const SLICE = /^\[\s*(-?\d*)\s*:\s*(-?\d*)\s*\]/;
const INDEX = /^\[\s*(-?\d+)\s*\]/;
const WILDCARD = /^(?:\.\*|\[\s*\*\s*\])/;
const RECURSIVE = /^\.\.((?:[A-Za-z0-9_$/-]|\\.)+)?/;

function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = path.replace(/^[$@]/, '');
  while (rest !== '' && rest !== '.') {
    const [step, length] = parseStep(rest);
    steps.push(step);
    rest = rest.slice(length);
  }
  return steps;
}

function parseStep(rest: string): readonly [Step, number] {
  const take = (pattern: RegExp): RegExpExecArray | null => pattern.exec(rest);
  const recursive = take(RECURSIVE);
  if (recursive !== null) {
    const name = recursive[1]?.replaceAll(/\\(.)/g, '$1');
    return [{ kind: 'recursive', name }, recursive[0].length];
  }
  const wildcard = take(WILDCARD);
  if (wildcard !== null) return [{ kind: 'wildcard' }, wildcard[0].length];
  const quoted = take(QUOTED);
  if (quoted !== null) {
    const name = (quoted[1] ?? quoted[2] ?? '').replaceAll(/\\(.)/g, '$1');
    return [{ kind: 'field', name }, quoted[0].length];
  }
  const index = take(INDEX);
  if (index !== null) return [{ kind: 'index', index: Number(index[1]) }, index[0].length];
  const slice = take(SLICE);
  if (slice !== null) {
    const bound = (text = ''): number | undefined => (text === '' ? undefined : Number(text));
    return [{ kind: 'slice', from: bound(slice[1]), to: bound(slice[2]) }, slice[0].length];
  }
  if (rest.startsWith('[?(')) return parseFilter(rest);
  const name = take(NAME);
  if (name !== null) {
    return [{ kind: 'field', name: (name[1] ?? '').replaceAll(/\\(.)/g, '$1') }, name[0].length];
  }
  throw new JsonPathError(`unrecognized path "${rest}"`);
}

function parseFilter(rest: string): readonly [Step, number] {
  const close = rest.indexOf(')]');
  if (close < 0) throw new JsonPathError(`unclosed filter: "${rest}"`);
  const expression = rest.slice(3, close).trim();
  const found = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/s.exec(expression);
  const length = close + 2;
  if (found === null) {
    const left = parseOperand(expression);
    return [{ kind: 'filter', left, operator: 'exists', right: left }, length];
  }
  const [, left = '', operator = '', right = ''] = found;
  return [
    { kind: 'filter', left: parseOperand(left), operator, right: parseOperand(right) },
    length,
  ];
}

function parseOperand(text: string): Operand {
  if (/^["']/.test(text)) return { kind: 'literal', value: unquote(text) };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { kind: 'literal', value: Number(text) };
  if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true' };
  return { kind: 'path', steps: parsePath(text) };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(text: string): string {
  const quote = text[0] ?? '';
  if (text.length < 2 || !text.endsWith(quote)) throw new JsonPathError(`unterminated ${text}`);
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}
