/**
 * An object as the watch cache holds it, and what happened to one. Both are made once and shared by
 * every reader and watcher, with their encoding, which is made when first asked for.
 */

/** A version of an object. Invariant: `object.metadata.resourceVersion` is the revision. */
export class CachedObject<T> {
  readonly key: string;
  /** Shared: never change it. */
  readonly object: T;
  /** The revision that made this version. */
  readonly revision: number;
  #json: Buffer | undefined;
  #encode: (() => Buffer) | undefined;

  /** `encode`: a shorter way to the JSON than encoding the object, as from what is stored. */
  constructor(key: string, object: T, revision: number, encode?: () => Buffer) {
    this.key = key;
    this.object = object;
    this.revision = revision;
    this.#encode = encode;
  }

  /** The object as JSON; encoded once. */
  get json(): Buffer {
    if (this.#json === undefined) {
      this.#json = this.#encode?.() ?? Buffer.from(JSON.stringify(this.object));
      // What it is made from needs no memory any more.
      this.#encode = undefined;
    }
    return this.#json;
  }
}

export type CacheEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** A change of one object, in the terms of a watch. */
export class CacheEvent<T> {
  readonly type: CacheEventType;
  /** For DELETED: the last state, with the revision of the deletion. */
  readonly current: CachedObject<T>;
  /** Absent for ADDED. */
  readonly previous: CachedObject<T> | undefined;
  #frame: Buffer | undefined;

  constructor(
    type: CacheEventType,
    current: CachedObject<T>,
    previous: CachedObject<T> | undefined,
  ) {
    this.type = type;
    this.current = current;
    this.previous = previous;
  }

  get revision(): number {
    return this.current.revision;
  }

  /** `{"type":…,"object":…}` and a line feed, as a JSON watch sends it; encoded once. */
  get frame(): Buffer {
    this.#frame ??= watchFrame(this.type, this.current.json);
    return this.#frame;
  }
}

/** A line of a JSON watch, for events whose type differs from watcher to watcher. */
export function watchFrame(type: string, json: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), json, FRAME_END]);
}

const FRAME_END = Buffer.from('}\n');
