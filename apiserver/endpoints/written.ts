/** The answer to a write: the object as it is stored, encoded no more than once. */

import type { Answer } from '../http/answer.ts';
import type { Written } from '../registry/create-object.ts';
import { inShape, type Shown } from '../registry/resource-api.ts';
import { textWithRevision } from '../registry/stored-form.ts';
import type { Endpoint } from './endpoint.ts';
import { shownBody } from './get.ts';
import { answerObject } from './present.ts';

export function answerWritten(endpoint: Endpoint, code: number, written: Written): Answer {
  const { api, part } = endpoint;
  if (part?.body !== undefined) {
    return answerObject(endpoint, code, shownBody(part.body.read(written.object)));
  }
  if (api.view !== undefined) {
    return answerObject(endpoint, code, shownBody(inShape(api, written.object)));
  }
  const { text, revision, object } = written;
  const json = Buffer.from(revision === 0 ? text : textWithRevision(text, revision));
  return answerObject(endpoint, code, { object, json } satisfies Shown);
}
