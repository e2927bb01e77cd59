/**
 * JSON Patch: a list of operations on paths. The operations themselves are fast-json-patch's; what is
 * added here are the limits, and errors in the form of the API.
 *
 * Source: RFC 6902; kubernetes/apiserver pkg/endpoints/handlers/patch.go, v0.36.
 */

import jsonPatch, { type Operation } from 'fast-json-patch';
import { cloneJson, isJsonObject, type JsonObject } from '../json.ts';
import { type ApiError, badRequest, newApiError } from '../status-error.ts';

/** Upstream's number: operations of one patch. */
export const OPERATIONS_MAX = 10_000;

/** Characters of JSON that `copy` operations may add: each could double the document otherwise. */
export const COPIED_LENGTH_MAX = 3 * 1024 * 1024;

const OPERATIONS: ReadonlySet<unknown> = new Set([
  'add',
  'remove',
  'replace',
  'move',
  'copy',
  'test',
]);

/**
 * Applies all operations or none; the target is not changed. Throws an ApiError: 400 for what is not a
 * JSON patch, 413 for too many operations, 422 where an operation cannot be applied or a test fails.
 */
export function applyJsonPatch(target: JsonObject, patch: unknown): unknown {
  const operations = checkedOperations(patch);
  let document: unknown = cloneJson(target);
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    if (operation.op === 'copy') {
      copied += copiedLength(document, operation.from);
      if (copied > COPIED_LENGTH_MAX) {
        throw notApplicable(`copying more than ${COPIED_LENGTH_MAX} characters is not accepted`);
      }
    }
    document = applyOne(document, operation, index);
  }
  return document;
}

function checkedOperations(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest('error decoding patch: a JSON patch must be a list of operations');
  }
  if (patch.length > OPERATIONS_MAX) {
    const message = `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`;
    throw newApiError(413, 'RequestEntityTooLarge', message);
  }
  for (const [index, operation] of patch.entries()) {
    const isOperation =
      isJsonObject(operation) && OPERATIONS.has(operation.op) && isPath(operation.path);
    if (!isOperation) {
      throw badRequest(`error decoding patch: operation ${index} is not one of JSON patch`);
    }
  }
  return patch as Operation[];
}

function isPath(path: unknown): path is string {
  return typeof path === 'string' && (path === '' || path.startsWith('/'));
}

function applyOne(document: unknown, operation: Operation, index: number): unknown {
  try {
    return jsonPatch.applyOperation(document, operation, true, true, true, index).newDocument;
  } catch (error) {
    if (operation.op === 'test' && isTestFailure(error)) {
      throw notApplicable(`testing value ${operation.path} failed: test failed`, error);
    }
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw notApplicable(
      `${operation.op} operation does not apply: ${operation.path}: ${why}`,
      error,
    );
  }
}

function isTestFailure(error: unknown): boolean {
  return error instanceof jsonPatch.JsonPatchError && error.name === 'TEST_OPERATION_FAILED';
}

function copiedLength(document: unknown, from: string): number {
  try {
    return JSON.stringify(jsonPatch.getValueByPointer(document, from))?.length ?? 0;
  } catch (error) {
    throw notApplicable(`copy operation does not apply: ${from} is not there`, error);
  }
}

/** Upstream's message leaves out the reason; kubectl shows the message when there are no causes. */
function notApplicable(why: string, cause?: unknown): ApiError {
  const message = `the server rejected our request due to an error in our request: ${why}`;
  return newApiError(422, 'Invalid', message, {}, { cause });
}
