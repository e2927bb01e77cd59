/** {@link ObjectAccess} over the stores of all kinds: what plugins and subresources work with. */

import assert from 'node:assert/strict';
import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import { cloneJson } from '../../proto/api/json.ts';
import type { ObjectReference } from '../../proto/api/meta.ts';
import { groupResource, type Resource } from '../../proto/api/resource.ts';
import type { User } from '../http/api-request.ts';
import type { AccessOptions, ObjectAccess } from './object-access.ts';
import type { ResourceStore } from './resource-store.ts';
import { keyPrefix, type WriteRequest, type WriteTarget } from './store-context.ts';
import type { ApiObject } from './strategy.ts';
import type { Update } from './update-object.ts';
import { INTERNAL_RULES } from './update-rules.ts';

/** The API server when it acts by itself. Source: upstream's loopback client. */
const SERVER_USER: User = { name: 'system:apiserver', groups: ['system:masters'] };
const FIELD_MANAGER = 'skiff-apiserver';

export class StoredObjects implements ObjectAccess {
  readonly #stores = new Map<string, ResourceStore>();

  add(store: ResourceStore): void {
    this.#stores.set(keyOf(store.strategy.resource), store);
  }

  get stores(): Iterable<ResourceStore> {
    return this.#stores.values();
  }

  /** The store of a resource; undefined when it is not stored. */
  find(resource: Resource): ResourceStore | undefined {
    return this.#stores.get(keyOf(resource));
  }

  peek(resource: Resource, target: ObjectReference): ApiObject | undefined {
    return this.#store(resource).peek(targetOf(target))?.object;
  }

  peekAll(resource: Resource, namespace?: string): readonly ApiObject[] {
    const store = this.#store(resource);
    const prefix = keyPrefix(store.kind, namespace);
    return store.cache.list({ prefix }).items.map(({ object }) => object);
  }

  async get(resource: Resource, target: ObjectReference): Promise<ApiObject> {
    return (await this.#store(resource).get(targetOf(target))).object;
  }

  async create(
    resource: Resource,
    object: ApiObject,
    options: AccessOptions = {},
  ): Promise<ApiObject> {
    const namespace = object.metadata.namespace ?? '';
    const request = writeRequest(options);
    return (await this.#store(resource).create(namespace, cloneJson(object), request)).object;
  }

  async update(
    resource: Resource,
    target: ObjectReference,
    change: (object: ApiObject) => void,
    options: AccessOptions = {},
  ): Promise<ApiObject> {
    const update: Update = {
      rules: INTERNAL_RULES,
      createIfMissing: false,
      isInternal: true,
      // As upstream, the server's own changes belong to nobody, unless it names a manager.
      ownership: options.fieldManager === undefined ? 'applied' : 'update',
      change(current) {
        assert.ok(current !== undefined);
        const object = cloneJson(current);
        change(object);
        return object;
      },
    };
    const store = this.#store(resource);
    return (await store.update(targetOf(target), update, writeRequest(options))).object;
  }

  async delete(
    resource: Resource,
    target: ObjectReference,
    deleteOptions: DeleteOptions = {},
    options: AccessOptions = {},
  ): Promise<ApiObject> {
    const request = writeRequest(options);
    return (await this.#store(resource).delete(targetOf(target), deleteOptions, request)).object;
  }

  #store(resource: Resource): ResourceStore {
    const store = this.find(resource);
    assert.ok(store !== undefined, `${groupResource(resource)} is not stored`);
    return store;
  }
}

function keyOf(resource: Resource): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}

function targetOf({ namespace = '', name }: ObjectReference): WriteTarget {
  return { namespace, name };
}

function writeRequest(options: AccessOptions): WriteRequest {
  return {
    user: options.user ?? SERVER_USER,
    fieldManager: options.fieldManager ?? FIELD_MANAGER,
    dryRun: options.dryRun ?? false,
    subresource: options.subresource ?? '',
    warn: () => undefined,
  };
}
