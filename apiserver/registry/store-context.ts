/** What the one generic path works with, for one stored kind; and who asks for a write. */

import type { Clock } from '../../base/clock.ts';
import type { ObjectReference } from '../../proto/api/meta.ts';
import { groupResource } from '../../proto/api/resource.ts';
import type { KindInfo } from '../../proto/api/schema.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission.ts';
import type { User } from '../http/api-request.ts';
import type { KeyValue, Storage } from '../storage/storage.ts';
import type { ObjectAccess } from './object-access.ts';
import { decodeStored } from './stored-form.ts';
import type { ApiObject, Strategy, StrategyContext } from './strategy.ts';

export interface Randomness {
  readonly uid: () => string;
  /** For `generateName`: so many characters that are fit for names. */
  readonly suffix: (length: number) => string;
  /** In [0, 1). */
  readonly fraction: () => number;
}

/** An object as it is stored. Shared: never change it. */
export interface Current {
  /** With its resourceVersion. */
  readonly object: ApiObject;
  readonly revision: number;
}

export interface StoreContext {
  readonly strategy: Strategy;
  readonly kind: KindInfo;
  readonly storage: Storage;
  /** The cache takes the object for these bytes instead of decoding them; it is shared from then on. */
  readonly remember: (value: Uint8Array, object: ApiObject) => void;
  /** The object from the watch cache, which may lag. */
  readonly peek: (key: string) => Current | undefined;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly admission: readonly AdmissionPlugin[];
  readonly objects: ObjectAccess;
}

/** Who writes, and how. */
export interface WriteRequest {
  readonly user: User;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  /** Empty for the resource itself. */
  readonly subresource: string;
  warn(text: string): void;
}

/** One object; the namespace is empty for cluster-scoped kinds. */
export interface WriteTarget {
  readonly namespace: string;
  readonly name: string;
}

/** The object as stored now. */
export async function readCurrent(
  context: StoreContext,
  key: string,
): Promise<Current | undefined> {
  return currentOf((await context.storage.get(key)).kv);
}

export function currentOf(kv: KeyValue | undefined): Current | undefined {
  return kv === undefined ? undefined : { object: decodeStored(kv), revision: kv.modRevision };
}

/** Every key of the kind, and no other, begins with this. */
export function keyPrefix(kind: KindInfo, namespace = ''): string {
  const root = `/registry/${groupResource(kind)}/`;
  return namespace === '' ? root : `${root}${namespace}/`;
}

export function keyOfTarget(kind: KindInfo, { namespace, name }: ObjectReference): string {
  const root = `/registry/${groupResource(kind)}/`;
  return namespace === undefined || namespace === ''
    ? `${root}${name}`
    : `${root}${namespace}/${name}`;
}

export function strategyContext(context: StoreContext, request: WriteRequest): StrategyContext {
  return {
    nowMs: context.clock.wallMs(),
    user: request.user,
    randomUid: context.random.uid,
  };
}

export function admissionAttributes(
  context: StoreContext,
  request: WriteRequest,
  what: Pick<AdmissionAttributes, 'operation' | 'object' | 'oldObject'>,
): AdmissionAttributes {
  const { namespace = '', name = '' } = (what.object ?? what.oldObject)?.metadata ?? {};
  return {
    ...what,
    resource: context.strategy.resource,
    subresource: request.subresource,
    namespace: namespace === '' ? undefined : namespace,
    name: name ?? '',
    user: request.user,
    dryRun: request.dryRun,
    warn: (text) => request.warn(text),
  };
}
