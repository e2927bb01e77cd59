/**
 * Volumes and claims as they will be when the decisions made so far are written: two pods must not
 * be given the same volume. An assumption ends when it is taken back, or the API says otherwise.
 *
 * Source: kubernetes pkg/scheduler/util/assumecache/assume_cache.go, v1.36.
 */

import type { PersistentVolume, PersistentVolumeClaim } from '../../../proto/api/gen/core-v1.ts';
import type { VolumeObjects } from '../volume-objects.ts';

interface Assumption<T> {
  /** What the API said when it was made. */
  readonly basis: T;
  readonly assumed: T;
}

export class AssumedVolumes implements VolumeObjects {
  readonly #objects: VolumeObjects;
  readonly #volumes = new Map<string, Assumption<PersistentVolume>>();
  readonly #claims = new Map<string, Assumption<PersistentVolumeClaim>>();

  constructor(objects: VolumeObjects) {
    this.#objects = objects;
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    const known = this.#objects.claim(namespace, name);
    return this.#current(this.#claims, `${namespace}/${name}`, known);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#current(this.#volumes, name, this.#objects.volume(name));
  }

  volumes(): readonly PersistentVolume[] {
    return this.#objects
      .volumes()
      .map((volume) => this.#current(this.#volumes, volume.metadata.name, volume) ?? volume);
  }

  storageClass: VolumeObjects['storageClass'] = (name) => this.#objects.storageClass(name);
  csiNode: VolumeObjects['csiNode'] = (name) => this.#objects.csiNode(name);
  onChange: VolumeObjects['onChange'] = (listener) => this.#objects.onChange(listener);

  assumeVolume(assumed: PersistentVolume): void {
    const basis = this.#objects.volume(assumed.metadata.name);
    if (basis !== undefined) this.#volumes.set(assumed.metadata.name, { basis, assumed });
  }

  assumeClaim(assumed: PersistentVolumeClaim): void {
    const { namespace = '', name } = assumed.metadata;
    const basis = this.#objects.claim(namespace, name);
    if (basis !== undefined) this.#claims.set(`${namespace}/${name}`, { basis, assumed });
  }

  forgetVolume(name: string): void {
    this.#volumes.delete(name);
  }

  forgetClaim(namespace: string, name: string): void {
    this.#claims.delete(`${namespace}/${name}`);
  }

  #current<T>(all: Map<string, Assumption<T>>, key: string, known: T | undefined): T | undefined {
    const assumption = all.get(key);
    if (assumption === undefined) return known;
    if (assumption.basis === known) return assumption.assumed;
    all.delete(key);
    return known;
  }
}
