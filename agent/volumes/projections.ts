/**
 * What the files of configMap, secret, downwardAPI and projected volumes hold.
 *
 * Source: kubernetes pkg/volume/{configmap,secret,downwardapi,projected}, v1.36.
 */

import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../proto/api/gen/core-v1.ts';
import type { ReferenceSource } from '../environment/container-environment.ts';
import {
  fieldValue,
  type NodeAllocatable,
  resourceFieldValue,
} from '../environment/field-value.ts';
import type { Payload, ProjectedFile } from './atomic-writer.ts';

export const DEFAULT_MODE = 0o644;

/** The volume can't be set up yet, or ever; the message is for the user. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

export interface ProjectionSources extends ReferenceSource {
  /** A token of the pod's service account that is good for a while. */
  serviceAccountToken(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>;
}

export interface ProjectionInput {
  readonly pod: Pod;
  readonly sources: ProjectionSources;
  readonly allocatable: NodeAllocatable;
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

export async function configMapPayload(
  input: ProjectionInput,
  reference: Reference,
  defaultMode = DEFAULT_MODE,
): Promise<Payload> {
  const { namespace = '' } = input.pod.metadata;
  const { name = '', optional = false } = reference;
  const map = await input.sources.configMap(namespace, name);
  if (map === undefined && !optional) throw new VolumeError(`configmap "${name}" not found`);
  const what = `configmap references non-existent config key`;
  return selected(configMapData(map), reference, defaultMode, what);
}

export async function secretPayload(
  input: ProjectionInput,
  reference: Reference,
  defaultMode = DEFAULT_MODE,
): Promise<Payload> {
  const { namespace = '' } = input.pod.metadata;
  const { name = '', optional = false } = reference;
  const secret = await input.sources.secret(namespace, name);
  if (secret === undefined && !optional) throw new VolumeError(`secret "${name}" not found`);
  return selected(secretData(secret), reference, defaultMode, 'references non-existent secret key');
}

export function downwardPayload(
  input: ProjectionInput,
  items: readonly DownwardAPIVolumeFile[],
  defaultMode = DEFAULT_MODE,
): Payload {
  const files = items.map((item): readonly [string, ProjectedFile] => {
    const text = downwardValue(input, item);
    return [item.path, { data: Buffer.from(text), mode: item.mode ?? defaultMode }];
  });
  return new Map(files);
}

function downwardValue({ pod, allocatable }: ProjectionInput, item: DownwardAPIVolumeFile): string {
  if (item.fieldRef !== undefined) return fieldValue(pod, item.fieldRef.fieldPath);
  const { resourceFieldRef: selector } = item;
  const container = pod.spec.containers.find(({ name }) => name === selector?.containerName);
  if (selector === undefined || container === undefined) {
    throw new VolumeError(`downwardAPI file ${item.path} refers to no field and no container`);
  }
  return resourceFieldValue(pod, container, selector, allocatable);
}

/** Later sources win where paths meet. */
export async function projectedPayload(
  input: ProjectionInput,
  sources: readonly VolumeProjection[],
  defaultMode = DEFAULT_MODE,
): Promise<Payload> {
  const payloads = await Promise.all(sources.map((each) => onePayload(input, each, defaultMode)));
  return new Map(payloads.flatMap((payload) => [...payload]));
}

async function onePayload(
  input: ProjectionInput,
  source: VolumeProjection,
  mode: number,
): Promise<Payload> {
  if (source.configMap !== undefined) return configMapPayload(input, source.configMap, mode);
  if (source.secret !== undefined) return secretPayload(input, source.secret, mode);
  if (source.downwardAPI !== undefined) {
    return downwardPayload(input, source.downwardAPI.items ?? [], mode);
  }
  if (source.serviceAccountToken !== undefined) {
    return tokenPayload(input, source.serviceAccountToken, mode);
  }
  const kind = Object.keys(source)[0] ?? 'empty';
  throw new VolumeError(`projected volume source "${kind}" is not supported`);
}

/** Readable by the one user of the pod, or by its fsGroup; by all when users differ. */
async function tokenPayload(
  input: ProjectionInput,
  projection: ServiceAccountTokenProjection,
  defaultMode: number,
): Promise<Payload> {
  const { pod } = input;
  const token = await input.sources.serviceAccountToken(pod, projection);
  const { runAsUser, fsGroup } = pod.spec.securityContext ?? {};
  const users = new Set(
    pod.spec.containers.map((container) => container.securityContext?.runAsUser ?? runAsUser),
  );
  const [only] = users;
  const single = users.size === 1 && only !== undefined ? only : undefined;
  const mode = fsGroup !== undefined ? 0o640 : single !== undefined ? 0o600 : defaultMode;
  const file = { data: Buffer.from(token), mode, ...(single === undefined ? {} : { uid: single }) };
  return new Map([[projection.path, file]]);
}

function configMapData(map: ConfigMap | undefined): ReadonlyMap<string, Buffer> {
  const text = Object.entries(map?.data ?? {}).map(([k, v]) => [k, Buffer.from(v)] as const);
  const binary = Object.entries(map?.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return new Map([...text, ...binary]);
}

function secretData(secret: Secret | undefined): ReadonlyMap<string, Buffer> {
  return new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
  );
}

function selected(
  data: ReadonlyMap<string, Buffer>,
  { items, optional = false }: Reference,
  defaultMode: number,
  missing: string,
): Payload {
  if (items === undefined || items.length === 0) {
    return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode: defaultMode }]));
  }
  const files = new Map<string, ProjectedFile>();
  for (const { key, path, mode = defaultMode } of items) {
    const bytes = data.get(key);
    if (bytes !== undefined) files.set(path, { data: bytes, mode });
    else if (!optional) throw new VolumeError(`${missing}: ${key}`);
  }
  return files;
}
