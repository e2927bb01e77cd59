/** Claims, volumes, classes and CSI nodes from the API, as the volume plugins and the queue need them. */

import { Informer } from '../client/informer.ts';
import {
  csinodes,
  persistentvolumeclaims,
  persistentvolumes,
  storageclasses,
} from '../proto/api/gen/resources.ts';
import type { ClusterEvent } from './framework/cluster-event.ts';
import type { VolumeObjects } from './plugins/volume-objects.ts';

type Dependencies = ConstructorParameters<typeof Informer>[0];

export class VolumeInformers {
  readonly #volumes;
  readonly #claims;
  readonly #classes;
  readonly #csiNodes;
  readonly #listeners = new Set<() => void>();
  readonly objects: VolumeObjects;

  constructor(dependencies: Dependencies) {
    this.#volumes = new Informer(dependencies, persistentvolumes);
    this.#claims = new Informer(dependencies, persistentvolumeclaims);
    this.#classes = new Informer(dependencies, storageclasses);
    this.#csiNodes = new Informer(dependencies, csinodes);
    this.objects = {
      claim: (namespace, name) => this.#claims.get(`${namespace}/${name}`),
      volume: (name) => this.#volumes.get(name),
      volumes: () => this.#volumes.list(),
      storageClass: (name) => this.#classes.get(name),
      csiNode: (nodeName) => this.#csiNodes.get(nodeName),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  /** All have been listed. */
  get synced(): readonly Promise<void>[] {
    return this.#all.map((informer) => informer.hasSynced);
  }

  /** Tells of everything that may help a waiting pod. Before {@link run}. */
  addListener(listen: (event: ClusterEvent) => void): void {
    const changed = (): void => {
      for (const listener of this.#listeners) listener();
    };
    this.#volumes.addHandler({
      onAdd: () => {
        listen({ kind: 'PersistentVolumeAdd' });
        changed();
      },
      onUpdate: () => {
        listen({ kind: 'PersistentVolumeUpdate' });
        changed();
      },
      onDelete: changed,
    });
    this.#claims.addHandler({
      onAdd: (claim) => {
        listen({ kind: 'PersistentVolumeClaimAdd', claim });
        changed();
      },
      onUpdate: (_old, claim) => {
        listen({ kind: 'PersistentVolumeClaimUpdate', claim });
        changed();
      },
      onDelete: changed,
    });
    this.#classes.addHandler({
      onAdd: (storageClass) => listen({ kind: 'StorageClassAdd', storageClass }),
      onUpdate: (_old, storageClass) => listen({ kind: 'StorageClassUpdate', storageClass }),
      onDelete: () => undefined,
    });
    this.#csiNodes.addHandler({
      onAdd: () => listen({ kind: 'CSINodeAdd' }),
      onUpdate: () => listen({ kind: 'CSINodeUpdate' }),
      onDelete: () => undefined,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((informer) => informer.run(signal)));
  }

  get #all(): readonly {
    readonly hasSynced: Promise<void>;
    run(signal: AbortSignal): Promise<void>;
  }[] {
    return [this.#volumes, this.#claims, this.#classes, this.#csiNodes];
  }
}
