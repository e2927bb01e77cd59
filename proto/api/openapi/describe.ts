/** Short texts for `kubectl explain`: what types and fields are. An empty text where we have none. */

import { FIELD_TEXTS } from './field-texts.ts';
import { TYPE_TEXTS } from './type-texts.ts';

/** Fields that mean the same wherever they are. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  apiVersion: 'The group and version of the kind, as apps/v1.',
  kind: 'The kind of the object.',
  metadata: 'What every object has: name, namespace, labels, annotations, owners.',
  spec: 'What is wanted.',
  status: 'What was observed; written by the system.',
  conditions: 'Named observations, each true, false or unknown, with a reason.',
  observedGeneration: 'The generation of the object that the status was made from.',
};

export function describeType(shortName: string): string {
  return own(TYPE_TEXTS, shortName) ?? '';
}

export function describeField(owner: string, field: string): string {
  return own(FIELD_TEXTS, `${owner}.${field}`) ?? own(EVERYWHERE, field) ?? '';
}

function own(texts: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}
