/**
 * A Service's backends as EndpointSlices, each with at most a hundred endpoints and the same ports.
 *
 * Source: kubernetes staging endpointslice/reconciler.go, v1.36; without its packing of old slices.
 */

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Service } from '../../proto/api/gen/core-v1.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../proto/api/gen/discovery-v1.ts';
import type { Backend } from '../endpoints/service-backends.ts';

/** Upstream's `--max-endpoints-per-slice`. */
const ENDPOINTS_MAX = 100;
/** That of generated names. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export interface SliceContent {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** At least one, so that a Service without pods has an empty slice. */
export function sliceContents(backends: readonly Backend[]): readonly SliceContent[] {
  const groups = new Map<string, Backend[]>();
  for (const backend of backends) {
    const key = JSON.stringify(backend.ports);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [backend]);
    else group.push(backend);
  }
  const contents: SliceContent[] = [];
  for (const group of groups.values()) {
    for (let start = 0; start < group.length; start += ENDPOINTS_MAX) {
      const endpoints = group.slice(start, start + ENDPOINTS_MAX).map(endpointOf);
      contents.push({ ports: (group[0]?.ports ?? []).map(portOf), endpoints });
    }
  }
  return contents.length === 0 ? [{ ports: [], endpoints: [] }] : contents;
}

export interface SliceChanges {
  readonly create: readonly SliceContent[];
  readonly update: readonly (SliceContent & { readonly slice: EndpointSlice })[];
  readonly remove: readonly EndpointSlice[];
}

/** Slices that are right stay; others are filled anew; what is over is removed. */
export function planSlices(
  existing: readonly EndpointSlice[],
  wanted: readonly SliceContent[],
): SliceChanges {
  const contentOf = ({ ports = [], endpoints = [] }: Partial<SliceContent>): unknown => [
    ports,
    endpoints,
  ];
  const open = [...wanted];
  const free: EndpointSlice[] = [];
  for (const slice of existing) {
    const index = open.findIndex((content) =>
      isDeepStrictEqual(contentOf(content), contentOf(slice)),
    );
    if (index >= 0) open.splice(index, 1);
    else free.push(slice);
  }
  const update = free.slice(0, open.length).flatMap((slice, index) => {
    const content = open[index];
    return content === undefined ? [] : [{ slice, ...content }];
  });
  return { create: open.slice(update.length), update, remove: free.slice(update.length) };
}

/**
 * The first names of the Service's slices that aren't taken. They are always the same ones: what was
 * created a moment ago, and isn't in the cache yet, can't be created twice.
 */
export function sliceNames(service: Service, taken: ReadonlySet<string>, count: number): string[] {
  const names: string[] = [];
  for (let ordinal = 0; names.length < count; ordinal += 1) {
    const digest = createHash('sha256').update(`${service.metadata.uid}/${ordinal}`).digest();
    const suffix = [...digest.subarray(0, 5)].map((byte) => ALPHABET[byte % ALPHABET.length]);
    const name = `${service.metadata.name}-${suffix.join('')}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
}

export function sliceLabels(service: Service): Readonly<Record<string, string>> {
  return {
    ...service.metadata.labels,
    'kubernetes.io/service-name': service.metadata.name,
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  };
}

/** Upstream's slices name every port, the nameless one with "". */
function portOf(port: EndpointPort): EndpointPort {
  return { name: port.name ?? '', ...port };
}

function endpointOf({ pod, ip, isReady, isServing, isTerminating }: Backend): Endpoint {
  const { namespace = '', name, uid } = pod.metadata;
  const { nodeName, hostname } = pod.spec;
  return {
    addresses: [ip],
    conditions: { ready: isReady, serving: isServing, terminating: isTerminating },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}
