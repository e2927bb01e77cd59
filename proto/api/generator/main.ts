/**
 * Turns a table of facts about the Kubernetes API (kinds, fields, types, protobuf numbers, list
 * keys, defaults) into what the product keeps under `proto/api/gen/`:
 *
 *   schema.json    the facts themselves, for the kinds we serve and all types they reach
 *   <package>.ts   a TypeScript interface for each of those types
 *   resources.ts   a `Resource` for each kind
 *
 * Usage: `npm run generate -- FACTS.json`. What it writes is committed, and never edited by hand.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isKept, parseFacts, reachableTypes } from './facts.ts';
import { emitResources } from './resources.ts';
import { emitSchema } from './schema.ts';
import { emitTypes } from './types.ts';

const target = path.join(import.meta.dirname, '..', 'gen');

const [source] = process.argv.slice(2);
if (source === undefined) {
  process.stderr.write('usage: npm run generate -- FACTS.json\n');
  process.exit(2);
}

const facts = parseFacts(readFileSync(source, 'utf8'));
const kinds = facts.kinds.filter(isKept);
const types = reachableTypes(facts, kinds);

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
write('schema.json', emitSchema(facts, kinds, types));
write('resources.ts', emitResources(facts, kinds));
for (const [file, text] of emitTypes(facts, kinds, types)) write(file, text);

function write(file: string, text: string): void {
  writeFileSync(path.join(target, file), text);
}
