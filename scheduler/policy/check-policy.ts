/**
 * Whether what a file exports is a policy, said by field name in one line. Types are gone at run time,
 * and an editor may not have looked.
 */

import {
  DEFAULT_PLUGIN_NAMES,
  type Policy,
  type PolicyContext,
  type PolicyPlugin,
} from './policy.ts';

/** What is wrong with a policy, and what to do, in one line. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** As names of profiles go into `spec.schedulerName`; short enough for labels and events. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
const FIELDS = new Set([
  'name',
  'description',
  'replacesDefault',
  'extends',
  'disable',
  'weights',
  'plugins',
  'tieBreak',
  'percentageOfNodesToScore',
  'parameters',
]);
const EXTENSION_POINTS: readonly string[] = [
  'preEnqueue',
  'less',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
];
/** Methods that belong to an extension point and are none by themselves. */
const COMPANIONS: readonly string[] = ['normalizeScore', 'unreserve', 'signPod', 'sharedVersion'];
const WEIGHT_MAX = 100;

/** Throws a {@link PolicyError} that names the first field that is wrong. */
export function checkPolicy(value: unknown): Policy {
  if (!isObject(value)) throw new PolicyError(`policy must be an object, not ${textOf(value)}`);
  for (const field of Object.keys(value)) {
    if (!FIELDS.has(field)) {
      throw new PolicyError(
        `policy.${field} is no field of a policy${suggest(field, [...FIELDS])}`,
      );
    }
  }
  const { name, parameters } = value;
  if (typeof name !== 'string' || !NAME.test(name)) {
    const want = 'a name of lower case letters, digits, "-" and "."';
    throw new PolicyError(`policy.name must be ${want}, not ${textOf(name)}`);
  }
  if (name === 'default-scheduler') {
    throw new PolicyError(
      'policy.name "default-scheduler" is taken: name it otherwise, and set "replacesDefault: true"',
    );
  }
  expectType(value, 'description', 'string');
  expectType(value, 'replacesDefault', 'boolean');
  expectOneOf(value, 'extends', ['default', 'filters', 'none']);
  expectOneOf(value, 'tieBreak', ['first', 'name', 'random', 'heap135']);
  expectType(value, 'plugins', 'function');
  checkDisable(value.disable);
  checkWeights(value.weights);
  checkPercentage(value.percentageOfNodesToScore);
  if (parameters !== undefined) checkParameters(parameters);
  // Every field was looked at.
  return value as unknown as Policy;
}

/** Calls the policy's factory and looks at what it gives. Throws a {@link PolicyError}. */
export function checkPlugins(policy: Policy, context: PolicyContext): readonly PolicyPlugin[] {
  for (const [key, value] of Object.entries(context.parameters)) {
    const own = policy.parameters?.[key];
    if (own === undefined) {
      const known = Object.keys(policy.parameters ?? {});
      throw new PolicyError(
        `policy "${policy.name}" has no parameter "${key}"${suggest(key, known)}`,
      );
    }
    if (typeof own !== typeof value) {
      throw new PolicyError(`parameter "${key}" must be a ${typeof own}, not ${textOf(value)}`);
    }
  }
  if (policy.plugins === undefined) return [];
  let plugins: unknown;
  try {
    plugins = policy.plugins(context);
  } catch (error) {
    throw new PolicyError(`policy.plugins threw ${errorText(error)}`, { cause: error });
  }
  if (!Array.isArray(plugins)) {
    throw new PolicyError(`policy.plugins must return an array, not ${textOf(plugins)}`);
  }
  const names = new Set<string>(DEFAULT_PLUGIN_NAMES);
  return plugins.map((plugin: unknown, index) => checkPlugin(plugin, index, names));
}

function checkPlugin(plugin: unknown, index: number, names: Set<string>): PolicyPlugin {
  const at = `policy.plugins()[${index}]`;
  if (!isObject(plugin)) throw new PolicyError(`${at} must be a plugin, not ${textOf(plugin)}`);
  const { name, weight } = plugin;
  if (typeof name !== 'string' || name === '') {
    throw new PolicyError(`${at}.name must be a text, not ${textOf(name)}`);
  }
  if (names.has(name)) {
    throw new PolicyError(`${at}.name "${name}" is the name of another plugin of the profile`);
  }
  names.add(name);
  if (weight !== undefined && !isWeight(weight)) {
    throw new PolicyError(
      `plugin "${name}": weight must be a whole number from 1 to ${WEIGHT_MAX}, not ${textOf(weight)}`,
    );
  }
  const known = [...EXTENSION_POINTS, ...COMPANIONS];
  for (const key of keysOf(plugin)) {
    if (typeof plugin[key] === 'function' && looksLike(key, known) !== undefined) {
      throw new PolicyError(
        `plugin "${name}": "${key}" is no extension point${suggest(key, known)}`,
      );
    }
  }
  for (const key of known) {
    if (plugin[key] !== undefined && typeof plugin[key] !== 'function') {
      throw new PolicyError(
        `plugin "${name}": ${key} must be a function, not ${textOf(plugin[key])}`,
      );
    }
  }
  if (!EXTENSION_POINTS.some((point) => plugin[point] !== undefined)) {
    throw new PolicyError(
      `plugin "${name}" has no extension point: give it one of ${EXTENSION_POINTS.join(', ')}`,
    );
  }
  // Its name and methods were looked at.
  return plugin as unknown as PolicyPlugin;
}

/** Of the object and of its class. */
function keysOf(object: object): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(object);
  const inherited =
    isObject(prototype) && prototype !== Object.prototype
      ? Object.getOwnPropertyNames(prototype)
      : [];
  return [...Object.keys(object), ...inherited];
}

function checkDisable(disable: unknown): void {
  if (disable === undefined) return;
  if (!Array.isArray(disable)) {
    throw new PolicyError(`policy.disable must be an array, not ${textOf(disable)}`);
  }
  for (const name of disable as readonly unknown[]) checkDefaultName('disable', name);
}

function checkWeights(weights: unknown): void {
  if (weights === undefined) return;
  if (!isObject(weights)) {
    throw new PolicyError(`policy.weights must be an object, not ${textOf(weights)}`);
  }
  for (const [name, weight] of Object.entries(weights)) {
    checkDefaultName('weights', name);
    if (!isWeight(weight)) {
      throw new PolicyError(
        `policy.weights.${name} must be a whole number from 1 to ${WEIGHT_MAX}, not ${textOf(weight)}`,
      );
    }
  }
}

function checkDefaultName(field: string, name: unknown): void {
  const known: readonly unknown[] = DEFAULT_PLUGIN_NAMES;
  if (known.includes(name)) return;
  throw new PolicyError(
    `policy.${field} names ${textOf(name)}, which is no default plugin${suggest(String(name), DEFAULT_PLUGIN_NAMES)}`,
  );
}

function checkPercentage(value: unknown): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100) return;
  throw new PolicyError(
    `policy.percentageOfNodesToScore must be a whole number from 0 to 100, not ${textOf(value)}`,
  );
}

function checkParameters(parameters: unknown): void {
  if (!isObject(parameters)) {
    throw new PolicyError(`policy.parameters must be an object, not ${textOf(parameters)}`);
  }
  for (const [key, value] of Object.entries(parameters)) {
    if (['number', 'string', 'boolean'].includes(typeof value)) continue;
    throw new PolicyError(
      `policy.parameters.${key} must be a number, text or boolean, not ${textOf(value)}`,
    );
  }
}

function expectType(
  policy: Readonly<Record<string, unknown>>,
  field: string,
  type: 'string' | 'boolean' | 'function',
): void {
  const value = policy[field];
  if (value === undefined || typeof value === type) return;
  const more = field === 'plugins' ? ' that returns the plugins: plugins: (context) => [ … ]' : '';
  throw new PolicyError(`policy.${field} must be a ${type}${more}, not ${textOf(value)}`);
}

function expectOneOf(
  policy: Readonly<Record<string, unknown>>,
  field: string,
  allowed: readonly string[],
): void {
  const value = policy[field];
  if (value === undefined || allowed.includes(value as string)) return;
  const list = allowed.map((one) => `"${one}"`).join(', ');
  throw new PolicyError(`policy.${field} must be one of ${list}, not ${textOf(value)}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWeight(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= WEIGHT_MAX;
}

/** A value in an error message: short, and of one line. */
function textOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  return isObject(value) ? 'an object' : String(value);
}

export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message.split('\n', 1)[0] ?? ''}`;
}

function suggest(word: string, known: readonly string[]): string {
  const near = looksLike(word, known);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}

/** A known word that is one or two letters away, but not the same. */
function looksLike(word: string, known: readonly string[]): string | undefined {
  if (known.includes(word)) return undefined;
  return known.find((each) => distance(word.toLowerCase(), each.toLowerCase()) <= 2);
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
