/**
 * What a client wants to be answered: the encoding (JSON, or YAML for people), and the shape: the object
 * itself, a table for kubectl, or metadata only. Protobuf is never answered; every client that
 * asks for it takes JSON as well.
 *
 * Source: kubernetes/apiserver pkg/endpoints/handlers/negotiation/negotiate.go, v0.36.
 */

import { newApiError } from '../../proto/api/status-error.ts';

export type Shape = 'object' | 'table' | 'metadata' | 'metadata-list';

export interface Negotiated {
  readonly encoding: 'json' | 'yaml';
  readonly shape: Shape;
  /** The version of meta.k8s.io for tables and metadata; empty for objects. */
  readonly metaVersion: '' | 'v1' | 'v1beta1';
}

export const PLAIN_JSON: Negotiated = { encoding: 'json', shape: 'object', metaVersion: '' };

const SHAPES: Readonly<Record<string, Shape>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata-list',
};

const ENCODINGS: Readonly<Record<string, 'json' | 'yaml'>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
};

/** Clients send a handful of different headers; this many parsed ones are remembered. */
const REMEMBERED_HEADERS = 256;
const remembered = new Map<string, readonly Negotiated[]>();

/**
 * The first choice of the client among the shapes that there are. Throws NotAcceptable when there is
 * none. No header, or an empty one, is JSON.
 */
export function negotiate(accept: string | undefined, shapes: readonly Shape[]): Negotiated {
  if (accept === undefined || accept === '') return PLAIN_JSON;
  const choice = choicesOf(accept).find(({ shape }) => shapes.includes(shape));
  if (choice !== undefined) return choice;
  throw newApiError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml',
  );
}

function choicesOf(accept: string): readonly Negotiated[] {
  const known = remembered.get(accept);
  if (known !== undefined) return known;
  const choices = parseAccept(accept);
  if (remembered.size < REMEMBERED_HEADERS) remembered.set(accept, choices);
  return choices;
}

function parseAccept(accept: string): readonly Negotiated[] {
  return accept
    .split(',')
    .map(parseRange)
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap(({ choice }) => (choice === undefined ? [] : [choice]));
}

function parseRange(range: string): { quality: number; choice: Negotiated | undefined } {
  const [type = '', ...rest] = range.split(';').map((part) => part.trim());
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const equals = part.indexOf('=');
      return equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    }),
  );
  const quality = Number.parseFloat(parameters.get('q') ?? '1');
  const encoding = ENCODINGS[type.toLowerCase()];
  return {
    quality: Number.isNaN(quality) ? 0 : quality,
    choice: encoding === undefined ? undefined : choiceOf(encoding, parameters),
  };
}

function choiceOf(
  encoding: 'json' | 'yaml',
  parameters: ReadonlyMap<string, string>,
): Negotiated | undefined {
  const as = parameters.get('as');
  if (as === undefined) return { encoding, shape: 'object', metaVersion: '' };
  const shape = SHAPES[as];
  const version = parameters.get('v');
  if (shape === undefined || parameters.get('g') !== 'meta.k8s.io') return undefined;
  if (version !== 'v1' && version !== 'v1beta1') return undefined;
  return { encoding, shape, metaVersion: version };
}
