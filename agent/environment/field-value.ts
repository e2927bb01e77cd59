/**
 * What a `fieldRef` or a `resourceFieldRef` says: the downward API, for environment variables and
 * for files.
 *
 * Source: kubernetes pkg/fieldpath/fieldpath.go and pkg/apis/core/v1/helper/resource.go, v1.36.
 */

import type { Container, Pod, ResourceFieldSelector } from '../../proto/api/gen/core-v1.ts';
import { quantityToBytes, quantityToMilli } from '../../proto/api/quantity.ts';
import { allContainersOf } from '../pod/container-kinds.ts';

/** The node's share that stands for a limit that isn't set. */
export interface NodeAllocatable {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/** Thrown for a path the downward API doesn't have. */
export class UnsupportedFieldError extends Error {
  override readonly name = 'UnsupportedFieldError';
}

/** `metadata.labels['app']`, `status.podIP`, …: an absent value is empty. */
export function fieldValue(pod: Pod, path: string): string {
  const subscript = path.match(/^metadata\.(labels|annotations)\['(.*)'\]$/);
  if (subscript !== null) {
    const [, map, key = ''] = subscript;
    return (map === 'labels' ? pod.metadata.labels : pod.metadata.annotations)?.[key] ?? '';
  }
  const { metadata, spec, status } = pod;
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return status?.hostIP ?? '';
    case 'status.hostIPs':
      return (status?.hostIPs ?? []).map(({ ip }) => ip).join(',');
    case 'status.podIP':
      return status?.podIP ?? '';
    case 'status.podIPs':
      return (status?.podIPs ?? []).map(({ ip }) => ip).join(',');
    default:
      throw new UnsupportedFieldError(`unsupported fieldPath: ${path}`);
  }
}

/** `key="value"` lines, sorted, as downward API files hold labels. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** A whole number of the divisor's units, rounded up. */
export function resourceFieldValue(
  pod: Pod,
  container: Container,
  selector: ResourceFieldSelector,
  allocatable: NodeAllocatable,
): string {
  const { containerName } = selector;
  const target =
    containerName === undefined || containerName === ''
      ? container
      : allContainersOf(pod).find(({ name }) => name === containerName);
  if (target === undefined) {
    throw new UnsupportedFieldError(`container ${containerName} not found`);
  }
  const { limits = {}, requests = {} } = target.resources ?? {};
  const divisor =
    selector.divisor === undefined || selector.divisor === '0' ? '1' : selector.divisor;
  const cpu = (text: string | undefined, fallback: number): string => {
    const milli = text === undefined ? fallback : quantityToMilli(text);
    return String(Math.ceil(milli / quantityToMilli(divisor)));
  };
  const bytes = (text: string | undefined, fallback: number): string =>
    String(
      Math.ceil((text === undefined ? fallback : quantityToBytes(text)) / quantityToBytes(divisor)),
    );
  switch (selector.resource) {
    case 'limits.cpu':
      return cpu(limits.cpu, allocatable.cpuMilli);
    case 'limits.memory':
      return bytes(limits.memory, allocatable.memoryBytes);
    case 'requests.cpu':
      return cpu(requests.cpu ?? limits.cpu, 0);
    case 'requests.memory':
      return bytes(requests.memory ?? limits.memory, 0);
    case 'limits.ephemeral-storage':
    case 'requests.ephemeral-storage':
      return bytes(limits['ephemeral-storage'] ?? requests['ephemeral-storage'], 0);
    default:
      throw new UnsupportedFieldError(`unsupported container resource: ${selector.resource}`);
  }
}
