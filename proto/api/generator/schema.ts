/** Emits `schema.json`: the facts of the served kinds and the types they reach, a type a line. */

import type { Facts, KindFact } from './facts.ts';

export function emitSchema(
  facts: Facts,
  kinds: readonly KindFact[],
  types: readonly string[],
): string {
  const kindLines = kinds.map((kind) => JSON.stringify(kind)).join(',\n');
  const typeLines = types
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(facts.types[name])}`)
    .join(',\n');
  return `{"version":${JSON.stringify(facts.version)},\n"kinds":[\n${kindLines}\n],\n"types":{\n${typeLines}\n}}\n`;
}
