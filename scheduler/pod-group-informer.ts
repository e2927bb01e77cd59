/** PodGroups from the API. Not run when no profile schedules gangs: then nothing asks for them. */

import { Informer } from '../client/informer.ts';
import { podgroups } from '../proto/api/gen/resources.ts';
import type { PodGroup } from '../proto/api/gen/scheduling-v1alpha2.ts';
import type { ClusterEvent } from './framework/cluster-event.ts';
import { PodGroups } from './pod-groups.ts';

export class PodGroupInformer {
  readonly #informer: Informer<PodGroup>;
  readonly groups: PodGroups;

  constructor(dependencies: ConstructorParameters<typeof Informer>[0]) {
    this.#informer = new Informer(dependencies, podgroups);
    this.groups = new PodGroups(this.#informer);
  }

  get hasSynced(): Promise<void> {
    return this.#informer.hasSynced;
  }

  /** Tells of groups that pods may wait for. Before {@link run}. */
  addListener(listen: (event: ClusterEvent) => void): void {
    this.#informer.addHandler({
      onAdd: (podGroup) => listen({ kind: 'PodGroupAdd', podGroup }),
      onUpdate: () => undefined,
      onDelete: () => undefined,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#informer.run(signal);
  }
}
