/** An informer that a test fills by hand; it tells its handlers as the real one does. */

import type { InformerHandler } from '../../client/informer.ts';
import { type KubernetesObject, keyOf } from '../../proto/api/meta.ts';

export class FakeInformer<T extends KubernetesObject> {
  readonly hasSynced = Promise.resolve();
  readonly #objects = new Map<string, T>();
  readonly #handlers: InformerHandler<T>[] = [];

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  addHandler(handler: InformerHandler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#objects.values()) handler.onAdd?.(object);
  }

  set(object: T): void {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const handler of this.#handlers) {
      if (old === undefined) handler.onAdd?.(object);
      else handler.onUpdate?.(old, object);
    }
  }

  delete(object: T): void {
    this.#objects.delete(keyOf(object));
    for (const handler of this.#handlers) handler.onDelete?.(object);
  }
}
