/** Standard input, read whole. */

import { readFileSync } from 'node:fs';

export function readStdin(): string {
  return readFileSync(0, 'utf8');
}
