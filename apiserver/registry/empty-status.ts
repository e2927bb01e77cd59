/** The status of an object that nobody has said anything about yet. */

import { zeroMessage } from '../../proto/api/decode.ts';
import { cloneJson, type JsonObject } from '../../proto/api/json.ts';
import { type KindInfo, typeNamed } from '../../proto/api/schema.ts';

const statuses = new Map<string, JsonObject | undefined>();

/** As the API writes a status of the kind that holds nothing; undefined when it writes none. */
export function emptyStatus(kind: KindInfo): JsonObject | undefined {
  if (!statuses.has(kind.schema)) {
    const field = typeNamed(kind.schema).fields.get('status');
    const isWritten = field !== undefined && field.ptr !== true && typeof field.t === 'string';
    statuses.set(kind.schema, isWritten ? zeroMessage(String(field.t)) : undefined);
  }
  const status = statuses.get(kind.schema);
  return status === undefined ? undefined : cloneJson(status);
}
