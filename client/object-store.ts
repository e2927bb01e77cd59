/**
 * The objects an informer knows, by key and by indexes. Objects are shared with everybody who asks:
 * nobody changes them.
 */

import { type KubernetesObject, keyOf } from '../proto/api/meta.ts';

/** The values an object is found by in an index; none: it isn't in the index. */
export type IndexFunction<T> = (object: T) => readonly string[];

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

/** Keyed by `namespace/name`. */
export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #functions: Readonly<Record<string, IndexFunction<T>>>;
  /** Index name -> value -> key -> object. */
  readonly #indexes = new Map<string, Map<string, Map<string, T>>>();

  constructor(functions: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#functions = functions;
    for (const name of Object.keys(functions)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** The objects with this value in an index. Throws when there is no such index. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`There is no index "${name}"`);
    return [...(index.get(value) ?? NONE).values()];
  }

  /** Returns what was there before. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined) this.#unindex(key, old);
    this.#objects.set(key, object);
    for (const [name, values] of Object.entries(this.#functions)) {
      for (const value of values(object)) {
        const index = this.#indexes.get(name);
        const bucket = index?.get(value);
        if (bucket === undefined) index?.set(value, new Map([[key, object]]));
        else bucket.set(key, object);
      }
    }
    return old;
  }

  /** Returns what was there. */
  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old === undefined) return undefined;
    this.#objects.delete(key);
    this.#unindex(key, old);
    return old;
  }

  #unindex(key: string, object: T): void {
    for (const [name, values] of Object.entries(this.#functions)) {
      const index = this.#indexes.get(name);
      for (const value of values(object)) {
        const bucket = index?.get(value);
        bucket?.delete(key);
        if (bucket?.size === 0) index?.delete(value);
      }
    }
  }
}
