/**
 * Objects in memory, as admission plugins and subresources see them: what is there is what was given
 * and written, at once. Rules of kinds are not run.
 */

import type { AccessOptions, ObjectAccess } from '../../apiserver/registry/object-access.ts';
import type { ApiObject } from '../../apiserver/registry/strategy.ts';
import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import type { ObjectReference } from '../../proto/api/meta.ts';
import type { Resource } from '../../proto/api/resource.ts';
import { notFound } from '../../proto/api/status-error.ts';

type Fields = Omit<Partial<ApiObject>, 'metadata'> & {
  readonly metadata: Partial<ApiObject['metadata']> & { readonly name: string };
};

/** An object of a resource with the metadata that every stored one has. */
export function apiObject(resource: Resource, fields: Fields): ApiObject {
  const { group, version, kind } = resource;
  return {
    apiVersion: group === '' ? version : `${group}/${version}`,
    kind,
    ...fields,
    metadata: {
      uid: `uid-${fields.metadata.name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...fields.metadata,
    },
  };
}

export class FakeObjects implements ObjectAccess {
  readonly #objects = new Map<string, ApiObject>();
  /** What was deleted, with the options. */
  readonly deleted: { readonly name: string; readonly options: DeleteOptions }[] = [];

  add(resource: Resource, fields: Fields): ApiObject {
    const object = apiObject(resource, fields);
    this.#objects.set(keyOf(resource, object.metadata), object);
    return object;
  }

  peek(resource: Resource, target: ObjectReference): ApiObject | undefined {
    return this.#objects.get(keyOf(resource, target));
  }

  peekAll(resource: Resource, namespace?: string): readonly ApiObject[] {
    const prefix = `${resource.group}/${resource.plural}/`;
    return [...this.#objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, object]) => object)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  }

  async get(resource: Resource, target: ObjectReference): Promise<ApiObject> {
    const object = this.peek(resource, target);
    if (object === undefined) throw notFound(resource, target.name);
    return object;
  }

  async create(resource: Resource, object: ApiObject): Promise<ApiObject> {
    this.#objects.set(keyOf(resource, object.metadata), object);
    return object;
  }

  async update(
    resource: Resource,
    target: ObjectReference,
    change: (object: ApiObject) => void,
    options: AccessOptions = {},
  ): Promise<ApiObject> {
    const object = structuredClone(await this.get(resource, target));
    change(object);
    if (options.dryRun !== true) this.#objects.set(keyOf(resource, target), object);
    return object;
  }

  async delete(
    resource: Resource,
    target: ObjectReference,
    options: DeleteOptions = {},
    access: AccessOptions = {},
  ): Promise<ApiObject> {
    const object = await this.get(resource, target);
    if (access.dryRun !== true) {
      this.#objects.delete(keyOf(resource, target));
      this.deleted.push({ name: target.name, options });
    }
    return object;
  }
}

function keyOf(resource: Resource, target: ObjectReference): string {
  return `${resource.group}/${resource.plural}/${target.namespace ?? ''}/${target.name}`;
}
