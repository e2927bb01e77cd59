/**
 * Objects in the shape that was asked for: as they are, as a table for kubectl, or their metadata.
 * Source: kubernetes/apiserver pkg/endpoints/handlers/response.go, v0.36.
 */

import { badRequest } from '../../proto/api/status-error.ts';
import { formatTime, parseTime } from '../../proto/api/time.ts';
import type { Answer, ObjectAnswer } from '../http/answer.ts';
import { type Negotiated, negotiate, type Shape } from '../http/negotiate.ts';
import type { ResourceApi, Shown } from '../registry/resource-api.ts';
import type { ApiObject, Strategy, TableColumn } from '../registry/strategy.ts';
import type { Endpoint } from './endpoint.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

const INCLUDES: readonly IncludeObject[] = ['None', 'Metadata', 'Object'];

const DEFAULT_COLUMNS: readonly TableColumn[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'The name of the object, unique among its kind in its namespace.',
    priority: 0,
  },
  {
    name: 'Age',
    type: 'date',
    description: 'When the object was created.',
    priority: 0,
  },
];

const SINGLE_SHAPES: readonly Shape[] = ['object', 'table', 'metadata'];

/** Answers with one object in the shape that the request accepts. */
export function answerObject(endpoint: Endpoint, code: number, shown: Shown): Answer {
  const { request, api } = endpoint;
  const negotiated = negotiate(request.headers.accept, SINGLE_SHAPES);
  if (negotiated.shape === 'object') {
    return { kind: 'object', code, object: shown.object, prepared: shown.json };
  }
  const presenter = newPresenter(api, negotiated, request.query, endpoint.clock.wallMs());
  return { kind: 'object', code, object: presenter.one(shown) } satisfies ObjectAnswer;
}

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Makes answers in a shape other than the object's own. */
export interface Presenter {
  one(shown: Shown): object;
  list(items: readonly Shown[], metadata: ListMetadata): object;
  /** For a watch: like `one`, without column definitions after the first. */
  event(shown: Shown): object;
}

/** `shape` must not be `object`. Throws BadRequest for a wrong `includeObject`. */
export function newPresenter(
  api: ResourceApi,
  negotiated: Negotiated,
  query: URLSearchParams,
  nowMs: number,
): Presenter {
  const apiVersion = `meta.k8s.io/${negotiated.metaVersion}`;
  if (negotiated.shape !== 'table') {
    const one = ({ object }: Shown): object => partial(object, apiVersion);
    return {
      one,
      event: one,
      list: (items, metadata) => ({
        kind: 'PartialObjectMetadataList',
        apiVersion,
        metadata,
        items: items.map(one),
      }),
    };
  }
  return newTablePresenter(api.strategy, apiVersion, includeObject(query), nowMs);
}

function newTablePresenter(
  strategy: Strategy,
  apiVersion: string,
  include: IncludeObject,
  nowMs: number,
): Presenter {
  const columnDefinitions = (strategy.columns ?? DEFAULT_COLUMNS).map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description,
    priority: column.priority,
  }));
  const row = ({ object }: Shown): object => ({
    cells: cellsOf(strategy, object, nowMs),
    object: rowObject(object, include, apiVersion),
  });
  const table = (items: readonly Shown[], metadata: ListMetadata, columns: boolean): object => ({
    kind: 'Table',
    apiVersion,
    metadata,
    columnDefinitions: columns ? columnDefinitions : [],
    rows: items.map(row),
  });
  const versionOf = ({ object }: Shown): ListMetadata => ({
    resourceVersion: object.metadata.resourceVersion,
  });
  let isFirst = true;
  return {
    one: (shown) => table([shown], versionOf(shown), true),
    list: (items, metadata) => table(items, metadata, true),
    event(shown) {
      const columns = isFirst;
      isFirst = false;
      return table([shown], versionOf(shown), columns);
    },
  };
}

function cellsOf(strategy: Strategy, object: ApiObject, nowMs: number): readonly unknown[] {
  if (strategy.cells !== undefined) return strategy.cells(object, nowMs);
  const { name, creationTimestamp } = object.metadata;
  return [name, formatTime(parseTime(creationTimestamp) ?? nowMs)];
}

function rowObject(
  object: ApiObject,
  include: IncludeObject,
  apiVersion: string,
): object | undefined {
  if (include === 'None') return undefined;
  return include === 'Object' ? object : partial(object, apiVersion);
}

function partial(object: ApiObject, apiVersion: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

function includeObject(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  const known = INCLUDES.find((include) => include === asked);
  if (known !== undefined) return known;
  throw badRequest(`unrecognized includeObject value: "${asked}"`);
}
