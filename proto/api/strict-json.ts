/**
 * JSON request bodies: parsed at the speed of `JSON.parse`, with what that hides found again: keys
 * given twice. What would hurt the code behind it is refused: nesting too deep, a key `__proto__`.
 *
 * Source: kubernetes-sigs/json (duplicate fields), RFC 8259.
 */

import { badRequest } from './status-error.ts';

/** Levels of objects and lists; real objects have about 20, and recursion costs stack. */
export const JSON_DEPTH_MAX = 500;

/** Upstream reports at most this many problems of one body. */
export const DUPLICATES_MAX = 100;

export interface ParsedBody {
  readonly value: unknown;
  /** `duplicate field "data.a"`, in the order of the text. */
  readonly duplicates: readonly string[];
}

/**
 * Parses one JSON value. With `findDuplicates`, keys given twice are listed (the last one counts).
 * Throws an ApiError 400 for what is not JSON, is nested too deep, has a key `__proto__`, or one that
 * ends in a backslash.
 */
export function parseStrictJson(
  body: string | Uint8Array,
  options: { readonly findDuplicates?: boolean } = {},
): ParsedBody {
  const text = typeof body === 'string' ? body : decodeUtf8(body);
  refuseBackslashKeys(text);
  const value = parse(text);
  guard(text, value);
  if (options.findDuplicates !== true || mayNotHaveDuplicates(text, value)) {
    return { value, duplicates: [] };
  }
  return { value, duplicates: duplicatesIn(text) };
}

/** A string that ends in a backslash, and is a key. */
const BACKSLASH_KEY = /(?<!\\)(?:\\\\)+"\s*:/;

/**
 * V8 13.6 (Node 24.21) takes the key `a"` for `a\` once it has met an object with only that key, so that
 * one body could change how the next is read. No key of the API ends in a backslash.
 */
function refuseBackslashKeys(text: string): void {
  if (text.includes('\\\\"') && BACKSLASH_KEY.test(text)) {
    throw badRequest(
      'the object provided has a key that ends in a backslash, which is not accepted',
    );
  }
}

/** Throws when a value from elsewhere (YAML) is too deep or has a key `__proto__`. */
export function guardTree(value: unknown): void {
  const problem = treeProblem(value, JSON_DEPTH_MAX);
  if (problem !== undefined) throw badRequest(problem);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the object provided is not valid JSON: ${why}`, { cause: error });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The tree is walked only when the text could hold what is refused. */
function guard(text: string, value: unknown): void {
  const isSuspect =
    text.length >= 2 * JSON_DEPTH_MAX || text.includes('__proto__') || text.includes('\\u005');
  if (isSuspect) guardTree(value);
}

function treeProblem(value: unknown, depthLeft: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depthLeft === 0)
    return `the object provided is nested more than ${JSON_DEPTH_MAX} levels deep`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = treeProblem(item, depthLeft - 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__')
      return 'the object provided has a key "__proto__", which is not accepted';
    const problem = treeProblem((value as Record<string, unknown>)[key], depthLeft - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * A body that reads exactly as its value is printed has no key twice. This holds for nearly all bodies
 * that programs send, and costs far less than looking at each character.
 */
function mayNotHaveDuplicates(text: string, value: unknown): boolean {
  const printed = JSON.stringify(value);
  return printed.length <= text.length && printed === text.trimEnd();
}

/** Finds keys given twice in a text that is known to be JSON. */
function duplicatesIn(text: string): readonly string[] {
  const found: string[] = [];
  const stack: { keys: Set<string> | undefined; path: string; index: number }[] = [];
  let path = '';
  let isKeyNext = false;
  for (let i = 0; i < text.length; i += 1) {
    const top = stack.at(-1);
    switch (text.charCodeAt(i)) {
      case OPEN_OBJECT:
        stack.push({ keys: new Set(), path, index: 0 });
        isKeyNext = true;
        break;
      case OPEN_LIST:
        stack.push({ keys: undefined, path, index: 0 });
        path = `${path}[0]`;
        isKeyNext = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        stack.pop();
        path = top?.path ?? '';
        isKeyNext = false;
        break;
      case COMMA:
        if (top?.keys === undefined && top !== undefined) {
          top.index += 1;
          path = `${top.path}[${top.index}]`;
        } else isKeyNext = true;
        break;
      case QUOTE: {
        const end = endOfString(text, i);
        if (isKeyNext && top?.keys !== undefined) {
          const key = JSON.parse(text.slice(i, end + 1)) as string;
          path = top.path === '' ? key : `${top.path}.${key}`;
          if (top.keys.has(key) && found.length < DUPLICATES_MAX) {
            const problem = `duplicate field ${JSON.stringify(path)}`;
            if (!found.includes(problem)) found.push(problem);
          }
          top.keys.add(key);
          isKeyNext = false;
        }
        i = end;
        break;
      }
      default:
    }
  }
  return found;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** The index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
}
