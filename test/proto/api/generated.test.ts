import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isKept, parseFacts, reachableTypes } from '../../../proto/api/generator/facts.ts';
import { emitResources } from '../../../proto/api/generator/resources.ts';
import { emitSchema } from '../../../proto/api/generator/schema.ts';
import { emitTypes } from '../../../proto/api/generator/types.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const FACTS = path.join(ROOT, '../shared/data/kubernetes-api.json');
const isThere = existsSync(FACTS);

describe('proto/api/gen', () => {
  const skip = isThere ? false : 'the table of facts is not beside the repository';

  it('is what the generator makes of the facts', { skip }, () => {
    const facts = parseFacts(readFileSync(FACTS, 'utf8'));
    const kinds = facts.kinds.filter(isKept);
    const types = reachableTypes(facts, kinds);
    const files = new Map([
      ['schema.json', emitSchema(facts, kinds, types)],
      ['resources.ts', emitResources(facts, kinds)],
      ...emitTypes(facts, kinds, types),
    ]);
    for (const [file, text] of files) {
      const committed = readFileSync(path.join(ROOT, 'proto/api/gen', file), 'utf8');
      assert.ok(committed === text, `${file} is not what the generator makes`);
    }
  });
});
