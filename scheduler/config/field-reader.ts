/**
 * Reads the fields of a configuration one by one, each with the type it must have. What is wrong is
 * collected, with its path, so that a person hears of everything at once; a field that nobody has
 * asked for is unknown.
 */

import { isJsonObject, type JsonObject } from '../../proto/api/json.ts';

/** What is wrong with a configuration, in the order found. */
export interface Problems {
  /** Fields that don't exist, or have a value of another type. */
  readonly decoding: string[];
  /** Values that can't be. */
  readonly values: string[];
}

export class FieldReader {
  readonly path: string;
  readonly problems: Problems;
  readonly #fields: JsonObject;
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string, problems: Problems) {
    this.path = path;
    this.problems = problems;
    this.#fields = isJsonObject(value) ? value : {};
    if (!isJsonObject(value)) this.#mismatch(path, 'an object');
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  /** Of all fields that are there. */
  get names(): readonly string[] {
    return Object.keys(this.#fields);
  }

  has(name: string): boolean {
    return this.#take(name) !== undefined;
  }

  raw(name: string): unknown {
    return this.#take(name);
  }

  string(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#mismatch(this.pathOf(name), 'a string');
  }

  integer(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    return this.#mismatch(this.pathOf(name), 'an integer');
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#mismatch(this.pathOf(name), 'true or false');
  }

  strings(name: string): readonly string[] {
    const list = this.list(name);
    if (list.every((item) => typeof item === 'string')) return list;
    this.#mismatch(this.pathOf(name), 'a list of strings');
    return [];
  }

  list(name: string): readonly unknown[] {
    const value = this.#take(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#mismatch(this.pathOf(name), 'a list');
    return [];
  }

  object(name: string): FieldReader | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    return new FieldReader(value, this.pathOf(name), this.problems);
  }

  objects(name: string): readonly FieldReader[] {
    return this.list(name).map(
      (item, index) => new FieldReader(item, `${this.pathOf(name)}[${index}]`, this.problems),
    );
  }

  /** These fields may be there, whatever they hold; returns those that are. */
  accept(...names: string[]): readonly string[] {
    return names.filter((name) => this.#take(name) !== undefined);
  }

  /** In the words of field errors; `what` is the bad value. */
  invalid(name: string, what: unknown, why: string): void {
    const path = name === '' ? this.path : this.pathOf(name);
    this.problems.values.push(`${path}: Invalid value: ${JSON.stringify(what)}: ${why}`);
  }

  /** Everything that is to be read has been: what is left is unknown. */
  end(): void {
    for (const name of Object.keys(this.#fields)) {
      if (!this.#known.has(name)) {
        this.problems.decoding.push(`unknown field ${JSON.stringify(this.pathOf(name))}`);
      }
    }
  }

  #take(name: string): unknown {
    this.#known.add(name);
    const value = this.#fields[name];
    return value === null ? undefined : value;
  }

  #mismatch(path: string, wanted: string): undefined {
    this.problems.decoding.push(`${path === '' ? 'the configuration' : path} must be ${wanted}`);
    return undefined;
  }
}
