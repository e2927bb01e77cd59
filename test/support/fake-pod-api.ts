/**
 * The part of the API server that the agent's pods need, in memory: pods with their status patches
 * and deletion, and whatever other objects a test puts there.
 */

import type { Client } from '../../client/client.ts';
import type { Pod, PodStatus } from '../../proto/api/gen/core-v1.ts';
import { type KubernetesObject, keyOf, type ObjectReference } from '../../proto/api/meta.ts';
import { groupResource, type Resource } from '../../proto/api/resource.ts';
import { conflict, notFound } from '../../proto/api/status-error.ts';

interface Handler {
  onAdd?(pod: Pod): void;
  onUpdate?(old: Pod, pod: Pod): void;
  onDelete?(pod: Pod): void;
}

/** Handlers hear of changes at once, as from an informer. */
export class FakePodApi {
  readonly pods = new Map<string, Pod>();
  readonly objects = new Map<string, KubernetesObject>();
  /** Every status a pod was given, by its uid. */
  readonly statuses = new Map<string, PodStatus[]>();
  writes = 0;
  isDown = false;
  readonly #handlers: Handler[] = [];
  #version = 1;

  addHandler(handler: Handler): void {
    this.#handlers.push(handler);
    for (const pod of this.pods.values()) handler.onAdd?.(pod);
  }

  removeHandlers(): void {
    this.#handlers.length = 0;
  }

  put(pod: Pod): Pod {
    const old = this.pods.get(keyOf(pod));
    this.#version += 1;
    const resourceVersion = String(this.#version);
    const stored = { ...pod, metadata: { ...pod.metadata, resourceVersion } };
    this.pods.set(keyOf(pod), stored);
    for (const handler of this.#handlers) {
      if (old === undefined) handler.onAdd?.(stored);
      else handler.onUpdate?.(old, stored);
    }
    return stored;
  }

  /** As a client's delete: the pod gets its deletion timestamp, or goes when there is no grace. */
  requestDelete(name: string, graceSeconds: number, nowMs: number): void {
    const pod = this.pods.get(name);
    if (pod === undefined) return;
    if (graceSeconds === 0) {
      this.remove(name, 0);
      return;
    }
    this.put({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: new Date(nowMs + graceSeconds * 1000).toISOString(),
        deletionGracePeriodSeconds: graceSeconds,
      },
    });
  }

  remove(name: string, graceSeconds?: number): void {
    const pod = this.pods.get(name);
    if (pod === undefined) return;
    this.pods.delete(name);
    const deletion = { deletionGracePeriodSeconds: graceSeconds };
    const metadata = { ...pod.metadata, deletionTimestamp: new Date(0).toISOString(), ...deletion };
    const last = graceSeconds === undefined ? pod : { ...pod, metadata };
    for (const handler of this.#handlers) handler.onDelete?.(last);
  }

  get client(): Client {
    const client: Partial<Client> = {
      get: async <T>(resource: Resource<T>, target: ObjectReference) => {
        this.#checkUp();
        const id = `${groupResource(resource)}/${keyOf({ metadata: target })}`;
        const object = this.objects.get(id);
        if (object === undefined) throw notFound(resource, target.name);
        return object as T;
      },
      patch: async (resource, target, _type, body) => {
        await new Promise((resolve) => setImmediate(resolve));
        this.#checkUp();
        this.writes += 1;
        const pod = this.pods.get(keyOf({ metadata: target }));
        if (pod === undefined) throw notFound(resource, target.name);
        const patch = body as { metadata: { uid: string }; status: Record<string, unknown> };
        if (patch.metadata.uid !== pod.metadata.uid) {
          throw conflict(resource, target.name, 'the uid differs');
        }
        const status = mergeStatus(pod.status ?? {}, patch.status);
        const { uid } = pod.metadata;
        this.statuses.set(uid, [...(this.statuses.get(uid) ?? []), status]);
        return this.put({ ...pod, status }) as never;
      },
      delete: async (resource, target, options) => {
        await new Promise((resolve) => setImmediate(resolve));
        this.#checkUp();
        const pod = this.pods.get(keyOf({ metadata: target }));
        if (pod === undefined) throw notFound(resource, target.name);
        if (options?.preconditions?.uid !== pod.metadata.uid) {
          throw conflict(resource, target.name, 'the uid differs');
        }
        this.remove(keyOf(pod));
      },
    };
    return client as Client;
  }

  #checkUp(): void {
    if (this.isDown) throw new Error('The API server is away');
  }
}

function mergeStatus(status: PodStatus, patch: Record<string, unknown>): PodStatus {
  const merged: Record<string, unknown> = { ...status };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (key === 'conditions') {
      const given = value as { type: string }[];
      const kept = (status.conditions ?? []).filter((c) => !given.some((g) => g.type === c.type));
      const clean = given.map((c) =>
        Object.fromEntries(Object.entries(c).filter(([, each]) => each !== null)),
      );
      merged[key] = [...kept, ...clean];
    } else if (key === 'podIPs' || key === 'hostIPs') {
      merged[key] = (value as { $patch?: string }[]).filter((each) => each.$patch !== 'delete');
    } else merged[key] = value;
  }
  return merged as PodStatus;
}
