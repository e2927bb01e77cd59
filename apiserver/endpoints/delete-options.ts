/**
 * The options of a DELETE: its body, or the query when there is none.
 * Source: kubernetes/apiserver pkg/endpoints/handlers/delete.go, apimachinery validation.go, v0.36.
 */

import { decodeObject } from '../../proto/api/decode.ts';
import type { DeleteOptions } from '../../proto/api/gen/meta-v1.ts';
import { isJsonObject } from '../../proto/api/json.ts';
import { badRequest, type FieldError, invalid } from '../../proto/api/status-error.ts';
import { parseStrictJson } from '../../proto/api/strict-json.ts';
import { invalidField, notSupported } from '../../proto/api/validation.ts';
import type { ApiRequest } from '../http/api-request.ts';
import { bodyType } from './decode-body.ts';
import { isTrue } from './request-info.ts';
import { dryRunErrors } from './write-options.ts';

const TYPE = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan'];

/** Throws BadRequest and Invalid. Kind and apiVersion of the body may be any group's, or absent. */
export async function deleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const type = bodyType(request.headers['content-type']);
  const bytes = await request.readBody();
  const options = bytes.length === 0 ? fromQuery(request.query) : await fromBody(type, bytes);
  const errors = errorsIn(options);
  if (errors.length > 0) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  }
  return options;
}

async function fromBody(
  type: 'json' | 'yaml' | 'protobuf',
  bytes: Uint8Array,
): Promise<DeleteOptions> {
  if (type === 'protobuf') {
    const { decodeProtobuf } = await import('../../proto/api/protobuf.ts');
    const { object, kind } = decodeProtobuf(bytes, { apiVersion: 'v1', kind: 'DeleteOptions' });
    checkKind(kind);
    return object as DeleteOptions;
  }
  const { value } =
    type === 'yaml'
      ? (await import('../../proto/api/yaml-body.ts')).parseYamlBody(bytes)
      : parseStrictJson(bytes);
  if (isJsonObject(value) && typeof value.kind === 'string') checkKind(value.kind);
  return decodeObject(TYPE, value).object as DeleteOptions;
}

function checkKind(kind: string): void {
  if (kind !== '' && kind !== 'DeleteOptions') {
    throw badRequest(`the body of a DELETE must be DeleteOptions, not ${kind}`);
  }
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const grace = query.get('gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  const policy = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun');
  if (grace !== null && !/^-?\d{1,15}$/.test(grace)) {
    throw badRequest(`the query parameter gracePeriodSeconds is no number: "${grace}"`);
  }
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

function errorsIn(options: DeleteOptions): readonly FieldError[] {
  const { propagationPolicy, orphanDependents, dryRun = [] } = options;
  const errors = [...dryRunErrors(dryRun)];
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy)) {
    errors.push(notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil']));
  }
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalidField('propagationPolicy', propagationPolicy, detail));
  }
  return errors;
}
