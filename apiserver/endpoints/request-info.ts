/**
 * What a path and a method ask for, before anybody looks whether it exists: authorization needs to
 * know first.
 *
 * Source: kubernetes/apiserver pkg/endpoints/request/requestinfo.go, v0.36.
 */

import { badRequest } from '../../proto/api/status-error.ts';

export type RequestInfo =
  | { readonly kind: 'path'; readonly verb: string; readonly path: string }
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly plural: string;
      /** Empty when the path has none. */
      readonly namespace: string;
      /** Empty for collections. */
      readonly name: string;
      readonly subresource: string;
      /** What follows the subresource, with its leading slash. */
      readonly subpath: string;
    };

/** Subresources of namespaces; any other word after a namespace's name is a resource in it. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize']);

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
};

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const other: RequestInfo = { kind: 'path', verb: method.toLowerCase(), path };
  const segments = path.split('/');
  const isCore = segments[1] === 'api';
  if (!isCore && segments[1] !== 'apis') return other;
  const [group, version, rest] = isCore
    ? ['', segments[2], segments.slice(3)]
    : [segments[2], segments[3], segments.slice(4)];
  if (group === undefined || version === undefined) return other;
  if (rest.at(-1) === '' && rest.length === 1) return other;
  const parts = rest.map(decodeSegment);
  const isWatchPath = parts[0] === 'watch' && parts.length > 1;
  if (isWatchPath) parts.shift();
  if (parts.length === 0) return other;
  const target = targetOf(parts);
  const isWatch = isWatchPath || isTrue(query.get('watch'));
  const verb = verbOf(method, target.name, target.subresource, isWatch);
  return { kind: 'resource', verb, group, version, ...target };
}

/** A boolean query parameter, as upstream reads it. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

interface Target {
  readonly namespace: string;
  readonly plural: string;
  readonly name: string;
  readonly subresource: string;
  readonly subpath: string;
}

function targetOf(parts: readonly string[]): Target {
  const [first = '', second = '', third] = parts;
  const isInNamespace =
    first === 'namespaces' &&
    third !== undefined &&
    third !== '' &&
    !NAMESPACE_SUBRESOURCES.has(third);
  const [plural = '', name = '', subresource = '', ...subpath] = isInNamespace
    ? parts.slice(2)
    : parts;
  // Upstream counts a namespace itself as being in it.
  const namespace = isInNamespace ? second : '';
  return {
    namespace,
    plural,
    name,
    subresource,
    subpath: subpath.length === 0 ? '' : `/${subpath.join('/')}`,
  };
}

function verbOf(method: string, name: string, subresource: string, isWatch: boolean): string {
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete';
  if (method !== 'GET' && method !== 'HEAD') return VERBS[method] ?? method.toLowerCase();
  if (isWatch && subresource === '') return 'watch';
  return name === '' ? 'list' : 'get';
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw badRequest(`invalid URL escape in the path segment "${segment}"`, { cause });
  }
}
