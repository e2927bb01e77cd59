/**
 * Label selectors: the text of `labelSelector=` and `-l`, and the `LabelSelector` object of specs, both
 * turned into requirements that labels can be matched against. Everything must hold (AND).
 *
 * Source: kubernetes/apimachinery pkg/labels/selector.go, pkg/apis/meta/v1/helpers.go, v0.36.
 */

import { lexSelector, type SelectorToken } from './label-selector-lexer.ts';
import { labelValueErrors, qualifiedNameErrors } from './names.ts';
import { badRequest } from './status-error.ts';
import { invalidField } from './validation.ts';

export type RequirementOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on one label. `exists` and `!` have no values, `gt` and `lt` one integer. */
export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  readonly values: readonly string[];
}

/** Matches no labels at all: what a `LabelSelector` that is absent selects. */
export const MATCHES_NOTHING: readonly Requirement[] = [{ key: '', operator: 'in', values: [] }];

type Labels = Readonly<Record<string, string>>;

interface LabelSelectorObject {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const OPERATOR_OF_EXPRESSION: Readonly<Record<string, RequirementOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};
const BINARY_OPERATORS: Readonly<Record<string, RequirementOperator>> = {
  in: 'in',
  notin: 'notin',
  '=': '=',
  '==': '==',
  '!=': '!=',
  '>': 'gt',
  '<': 'lt',
};
const BINARY_OPERATORS_TEXT = 'in, notin, =, ==, !=, gt, lt';

/**
 * Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h`, sorted by key. The empty text gives no
 * requirements, which match everything. Throws an ApiError 400 in upstream's words.
 */
export function parseLabelSelector(text: string): readonly Requirement[] {
  if (text === '') return [];
  return new SelectorParser(lexSelector(text)).parse();
}

/** True when the labels meet all requirements; absent labels are none. */
export function matchesLabels(
  requirements: readonly Requirement[],
  labels: Labels | undefined,
): boolean {
  for (const requirement of requirements) {
    if (!matches(requirement, labels)) return false;
  }
  return true;
}

/**
 * The requirements of a `LabelSelector` object: an absent one matches nothing, an empty one
 * everything. Throws an ApiError 400 when an operator is not one; other rules are validation's.
 */
export function requirementsOf(
  selector: LabelSelectorObject | null | undefined,
): readonly Requirement[] {
  if (selector === undefined || selector === null) return MATCHES_NOTHING;
  const requirements: Requirement[] = [];
  const { matchLabels = {}, matchExpressions = [] } = selector;
  for (const key of Object.keys(matchLabels)) {
    requirements.push({ key, operator: '=', values: [matchLabels[key] ?? ''] });
  }
  for (const { key, operator, values = [] } of matchExpressions) {
    const known = OPERATOR_OF_EXPRESSION[operator];
    if (known === undefined) {
      throw badRequest(`"${operator}" is not a valid label selector operator`);
    }
    requirements.push({ key, operator: known, values });
  }
  return requirements.sort(byKey);
}

/** The requirements of a plain map, as `Service.spec.selector` is one. */
export function requirementsOfMap(labels: Labels): readonly Requirement[] {
  return requirementsOf({ matchLabels: labels });
}

/** The text that parses to the same requirements; values are sorted. */
export function formatLabelSelector(requirements: readonly Requirement[]): string {
  return requirements.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    case '=':
    case '==':
    case '!=':
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

function matches({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
      return value !== undefined && value === values[0];
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
      return value !== values[0];
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return value !== undefined && compares(value, operator, values[0] ?? '');
  }
}

function compares(label: string, operator: 'gt' | 'lt', bound: string): boolean {
  if (!isInteger(label) || !isInteger(bound)) return false;
  const [a, b] = [BigInt(label), BigInt(bound)];
  return operator === 'gt' ? a > b : a < b;
}

/** What Go's ParseInt takes, but for the plus sign, which no label value may begin with. */
function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text);
}

function byKey(a: Requirement, b: Requirement): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}

/** One text is parsed once; the position is in the list of tokens, which ends with `end`. */
class SelectorParser {
  readonly #tokens: readonly SelectorToken[];
  #position = 0;

  constructor(tokens: readonly SelectorToken[]) {
    this.#tokens = tokens;
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const next = this.#peek();
      if (next.kind === 'end') break;
      if (next.kind !== 'word' && next.text !== '!') {
        throw unexpected(next, "expected: !, identifier, or 'end of string'");
      }
      requirements.push(this.#requirement());
      const after = this.#take();
      if (after.kind === 'end') break;
      if (after.text !== ',') throw unexpected(after, "expected: ',' or 'end of string'");
      const following = this.#peek();
      if (following.kind !== 'word' && following.text !== '!') {
        throw unexpected(following, "expected: identifier after ','");
      }
    }
    return requirements.sort(byKey);
  }

  #requirement(): Requirement {
    const isNegated = this.#peek().text === '!' && this.#take().kind === 'symbol';
    const { kind, text: key } = this.#take();
    if (kind !== 'word') throw unparsable(`found '${key}', expected: identifier`);
    const problems = qualifiedNameErrors(key);
    if (problems.length > 0) {
      throw unparsable(`<nil>: ${invalidField('', key, problems.join('; ')).message}`);
    }
    if (isNegated) return { key, operator: '!', values: [] };
    const next = this.#peek();
    if (next.kind === 'end' || next.text === ',') return { key, operator: 'exists', values: [] };
    const token = this.#take();
    const operator = BINARY_OPERATORS[token.text];
    if (operator === undefined || !Object.hasOwn(BINARY_OPERATORS, token.text)) {
      throw unparsable(`found '${token.text}', expected: ${BINARY_OPERATORS_TEXT}`);
    }
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#value()];
    return checked({ key, operator, values: [...new Set(values)].sort() });
  }

  /** `(a,b)`; empty places are the empty value. */
  #values(): readonly string[] {
    const open = this.#take();
    if (open.text !== '(') throw unparsable(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const isWord = this.#peek().kind === 'word';
      values.push(isWord ? this.#take().text : '');
      const after = this.#take();
      if (after.text === ')' && after.kind === 'symbol') return values;
      if (after.text !== ',') {
        throw unparsable(`found '${after.text}', expected: ',' or ')'`);
      }
    }
  }

  #value(): string {
    const next = this.#peek();
    if (next.kind === 'end' || next.text === ',') return '';
    const token = this.#take();
    if (token.kind === 'word') return token.text;
    throw unparsable(`found '${token.text}', expected: identifier`);
  }

  #peek(): SelectorToken {
    return this.#tokens[this.#position] ?? { kind: 'end', text: '' };
  }

  #take(): SelectorToken {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }
}

function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  for (const [index, value] of values.entries()) {
    const problems = labelValueErrors(value);
    if (problems.length > 0) {
      const at = `values[${index}][${key}]`;
      throw unparsable(`${at}: ${invalidField(at, value, problems.join('; ')).message}`);
    }
    if ((operator === 'gt' || operator === 'lt') && !isInteger(value)) {
      const detail = "for 'Gt', 'Lt' operators, the value must be an integer";
      throw unparsable(`values[${index}]: ${invalidField('', value, detail).message}`);
    }
  }
  return requirement;
}

function unexpected(token: SelectorToken, what: string): Error {
  return badRequest(`found '${token.text}', ${what}`);
}

function unparsable(what: string): Error {
  return badRequest(`unable to parse requirement: ${what}`);
}
