/**
 * The environment of a container: service links, then `envFrom`, then `env` with references and
 * `$(NAME)` resolved. A reference to what doesn't exist, unless it is optional, is a
 * {@link ConfigError}: the container waits with CreateContainerConfigError.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`, v1.36.
 */

import type {
  ConfigMap,
  Container,
  EnvVar,
  EnvVarSource,
  Pod,
  Secret,
  Service,
} from '../../proto/api/gen/core-v1.ts';
import { expand } from './expand.ts';
import {
  fieldValue,
  type NodeAllocatable,
  resourceFieldValue,
  UnsupportedFieldError,
} from './field-value.ts';
import { serviceEnvironment } from './service-links.ts';

/** The container can't be made as its spec says; the message is for the user. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Where references lead; undefined: there is no such object. */
export interface ReferenceSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

export interface EnvironmentInput {
  /** With the addresses in its status. */
  readonly pod: Pod;
  readonly container: Container;
  readonly services: readonly Service[];
  readonly references: ReferenceSource;
  readonly allocatable: NodeAllocatable;
}

/** In the order the variables are set; a later one of the same name wins. */
export async function containerEnvironment(
  input: EnvironmentInput,
): Promise<ReadonlyMap<string, string>> {
  const links = serviceEnvironment(input.pod, input.services);
  const variables = new Map<string, string>();
  for (const source of input.container.envFrom ?? []) {
    const data = await envFromData(input, source);
    for (const [key, value] of data) variables.set(`${source.prefix ?? ''}${key}`, value);
  }
  for (const entry of input.container.env ?? []) {
    const value = await entryValue(input, entry, (name) => variables.get(name) ?? links.get(name));
    if (value !== undefined) variables.set(entry.name, value);
  }
  // Service links only fill in what the pod doesn't say itself.
  for (const [name, value] of links) if (!variables.has(name)) variables.set(name, value);
  return variables;
}

type EnvFrom = NonNullable<Container['envFrom']>[number];

async function envFromData(
  input: EnvironmentInput,
  source: EnvFrom,
): Promise<readonly (readonly [string, string])[]> {
  const namespace = input.pod.metadata.namespace ?? '';
  if (source.configMapRef !== undefined) {
    const { name = '', optional } = source.configMapRef;
    const map = await input.references.configMap(namespace, name);
    if (map === undefined && optional !== true) throw missing('configmap', name);
    return Object.entries(map?.data ?? {}).sort(byKey);
  }
  if (source.secretRef !== undefined) {
    const { name = '', optional } = source.secretRef;
    const secret = await input.references.secret(namespace, name);
    if (secret === undefined && optional !== true) throw missing('secret', name);
    const entries = Object.entries(secret?.data ?? {}).sort(byKey);
    return entries.map(([key, value]) => [key, decode(value)] as const);
  }
  throw new ConfigError('envFrom has neither a configMapRef nor a secretRef');
}

async function entryValue(
  input: EnvironmentInput,
  entry: EnvVar,
  lookup: (name: string) => string | undefined,
): Promise<string | undefined> {
  if (entry.valueFrom === undefined) return expand(entry.value ?? '', lookup);
  try {
    return await referencedValue(input, entry.valueFrom);
  } catch (error) {
    if (error instanceof UnsupportedFieldError) {
      throw new ConfigError(error.message, { cause: error });
    }
    throw error;
  }
}

async function referencedValue(
  input: EnvironmentInput,
  from: EnvVarSource,
): Promise<string | undefined> {
  const { name: podName, namespace = '' } = input.pod.metadata;
  if (from.fieldRef !== undefined) return fieldValue(input.pod, from.fieldRef.fieldPath);
  if (from.resourceFieldRef !== undefined) {
    return resourceFieldValue(input.pod, input.container, from.resourceFieldRef, input.allocatable);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const map = await input.references.configMap(namespace, name);
    const value = map?.data?.[key];
    if (value !== undefined || optional === true) return value;
    if (map === undefined) throw missing('configmap', name);
    throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    const secret = await input.references.secret(namespace, name);
    const value = secret?.data?.[key];
    if (value !== undefined) return decode(value);
    if (optional === true) return undefined;
    if (secret === undefined) throw missing('secret', name);
    throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
  }
  throw new ConfigError(`unsupported env source in pod ${podName}`);
}

function missing(what: string, name: string): ConfigError {
  return new ConfigError(`${what} "${name}" not found`);
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
