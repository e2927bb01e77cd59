/**
 * What the components ask of the API server: typed verbs on resources. `RestClient` in
 * rest-client.ts is the implementation over HTTPS; every verb throws `ApiError` (proto/api) when
 * the server answers a Status, and an Error with `cause` when it can't be reached.
 */

import type { DeleteOptions } from '../proto/api/gen/meta-v1.ts';
import type {
  Draft,
  KubernetesList,
  KubernetesObject,
  ObjectReference,
} from '../proto/api/meta.ts';
import type { Resource } from '../proto/api/resource.ts';

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  /** Only kind and metadata of the objects are wanted; a server may answer more. */
  readonly metadataOnly?: boolean;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Absent or "0": all current objects come first, as ADDED. */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  /** As for lists. */
  readonly metadataOnly?: boolean;
}

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface WriteOptions {
  /** `status`, `scale`, …: the verb is on this subresource of the object. */
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** For patches of type `apply`: take fields over from other managers. */
  readonly force?: boolean;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

/** Every verb takes a signal: when it is aborted, the call rejects with the signal's reason. */
export interface Client {
  get<T>(resource: Resource<T>, target: ObjectReference, signal?: AbortSignal): Promise<T>;
  list<T>(
    resource: Resource<T>,
    options?: ListOptions,
    signal?: AbortSignal,
  ): Promise<KubernetesList<T>>;
  /** The namespace is the object's. */
  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  /** With the object's resourceVersion as the precondition. */
  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  patch<T>(
    resource: Resource<T>,
    target: ObjectReference,
    type: PatchType,
    body: unknown,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T>;
  delete(
    resource: Resource,
    target: ObjectReference,
    options?: Partial<DeleteOptions>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Changes as they happen; ends when the server ends the watch; throws `ApiError` on ERROR. */
  watch<T>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;
  /** Any other request, as `POST …/pods/x/binding`: the answer's JSON. */
  request(
    method: string,
    path: string,
    body?: unknown,
    options?: { readonly contentType?: string; readonly accept?: string },
    signal?: AbortSignal,
  ): Promise<unknown>;
}
