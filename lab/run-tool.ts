/** Runs a tool of the host to its end. */

import { spawnSync } from 'node:child_process';

/** Returns its standard output; throws with what it wrote to standard error when it fails. */
export function runTool(command: string, args: readonly string[], input = ''): string {
  const result = spawnSync(command, args, { input, encoding: 'utf8' });
  if (result.error !== undefined) {
    throw new Error(`Could not run "${command}"`, { cause: result.error });
  }
  if (result.status === 0) return result.stdout;
  const why = result.stderr.trim().split('\n').slice(-5).join('; ');
  throw new Error(`"${command} ${args.join(' ')}" ended with ${result.status}: ${why}`);
}
