/**
 * Request bodies to objects: JSON, YAML or protobuf, checked against the kind that the endpoint takes,
 * decoded by its schema, with defaults set. What the schema does not know is refused, warned of or
 * ignored, as the request asks.
 *
 * Source: kubernetes/apiserver pkg/endpoints/handlers/{create,rest}.go, v0.36.
 */

import { decodeObject, strictDecodingError } from '../../proto/api/decode.ts';
import { applyDefaults } from '../../proto/api/defaults.ts';
import { isJsonObject, type JsonObject } from '../../proto/api/json.ts';
import { typeNameOfKind } from '../../proto/api/schema.ts';
import { badRequest, newApiError } from '../../proto/api/status-error.ts';
import { parseStrictJson } from '../../proto/api/strict-json.ts';
import type { ApiRequest } from '../http/api-request.ts';
import type { ApiObject, Strategy } from '../registry/strategy.ts';
import type { BodyKind } from '../registry/subresource.ts';
import type { FieldValidation } from './write-options.ts';

export type BodyType = 'json' | 'yaml' | 'protobuf';

export interface ExpectedBody extends BodyKind {
  readonly alsoVersions?: readonly BodyKind[];
  /** For defaults that the schema does not hold. */
  readonly strategy?: Strategy;
}

/** A parsed body, not yet looked at. */
interface RawBody {
  readonly tree: unknown;
  readonly duplicates: readonly string[];
  readonly isDecoded: boolean;
}

/** Reads and decodes the body. Throws BadRequest, UnsupportedMediaType, RequestEntityTooLarge. */
export async function decodeBody(
  request: ApiRequest,
  expected: ExpectedBody,
  fieldValidation: FieldValidation,
): Promise<ApiObject> {
  const type = bodyType(request.headers['content-type']);
  const bytes = await request.readBody();
  const apiVersion = apiVersionText(expected);
  if (bytes.length === 0) throw badRequest(`the body is empty: a ${expected.kind} is needed`);
  if (type === 'protobuf') {
    const { decodeProtobuf } = await import('../../proto/api/protobuf.ts');
    const { object } = decodeProtobuf(bytes, { apiVersion, kind: expected.kind });
    return finish(object, [], expected, request, fieldValidation);
  }
  const findDuplicates = fieldValidation !== 'Ignore';
  const { value, duplicates } =
    type === 'yaml'
      ? (await import('../../proto/api/yaml-body.ts')).parseYamlBody(bytes)
      : parseStrictJson(bytes, { findDuplicates });
  return finish(value, duplicates, expected, request, fieldValidation);
}

/** The tree of a patched object, decoded again; see {@link decodeBody}. */
export function decodeTree(
  tree: unknown,
  expected: ExpectedBody,
  request: Pick<ApiRequest, 'warn'>,
  fieldValidation: FieldValidation,
): ApiObject {
  return finish(tree, [], expected, request, fieldValidation);
}

/** No header means JSON. */
export function bodyType(contentType: string | undefined): BodyType {
  const [type = ''] = (contentType ?? '').split(';');
  switch (type.trim().toLowerCase()) {
    case '':
    case 'application/json':
      return 'json';
    case 'application/yaml':
      return 'yaml';
    case 'application/vnd.kubernetes.protobuf':
      return 'protobuf';
    default:
      throw unsupportedMediaType([
        'application/json',
        'application/yaml',
        'application/vnd.kubernetes.protobuf',
      ]);
  }
}

export function unsupportedMediaType(accepted: readonly string[]): Error {
  return newApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

function finish(
  tree: RawBody['tree'],
  duplicates: readonly string[],
  expected: ExpectedBody,
  request: Pick<ApiRequest, 'warn'>,
  fieldValidation: FieldValidation,
): ApiObject {
  if (!isJsonObject(tree)) {
    throw badRequest(
      `couldn't get version/kind; json parse error: the body is not an object of kind ${expected.kind}`,
    );
  }
  const kind = checkKind(tree, expected);
  const typeName = typeNameOfKind(kind.group, kind.version, kind.kind);
  if (typeName === undefined) throw badRequest(`no kind "${kind.kind}" is registered`);
  const { object, unknownFields } = decodeObject(typeName, tree);
  object.apiVersion = apiVersionText(kind);
  object.kind = kind.kind;
  if (fieldValidation !== 'Ignore' && (unknownFields.length > 0 || duplicates.length > 0)) {
    const problems = [...duplicates, ...unknownFields.map((field) => `unknown field "${field}"`)];
    if (fieldValidation === 'Strict') throw strictDecodingError(kind, problems);
    for (const problem of problems) request.warn(problem);
  }
  if (!isJsonObject(object.metadata)) object.metadata = {};
  applyDefaults(typeName, object);
  const decoded = object as ApiObject;
  expected.strategy?.setDefaults?.(decoded);
  return decoded;
}

/** The kind of the body: what it says, or what is expected when it says nothing. */
function checkKind(tree: JsonObject, expected: ExpectedBody): BodyKind {
  const { kind, apiVersion } = tree;
  const allowed = [expected, ...(expected.alsoVersions ?? [])];
  const saidKind = typeof kind === 'string' && kind !== '' ? kind : expected.kind;
  const saidVersion =
    typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : apiVersionText(expected);
  if (saidKind !== expected.kind) {
    throw badRequest(
      `${saidKind} in version "${saidVersion}" cannot be handled as a ${expected.kind}: the kind in the data (${saidKind}) does not match the expected kind (${expected.kind})`,
    );
  }
  const match = allowed.find((one) => apiVersionText(one) === saidVersion);
  if (match !== undefined) return match;
  throw badRequest(
    `the API version in the data (${saidVersion}) does not match the expected API version (${apiVersionText(expected)})`,
  );
}

function apiVersionText(kind: BodyKind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
