/** Runs a system tool (`mount`, `umount`, `ip`), without a shell. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type RunTool = (command: string, args: readonly string[]) => Promise<string>;

const execute = promisify(execFile);

/** These tools are done in milliseconds; one that hangs must not hold up a pod for ever. */
const TOOL_TIMEOUT_MS = 30_000;

/** Gives what it printed; fails with what it complained about. */
export const runTool: RunTool = async (command, args) => {
  try {
    const { stdout } = await execute(command, [...args], { timeout: TOOL_TIMEOUT_MS });
    return stdout;
  } catch (cause) {
    const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    const why = stderr === '' ? String(cause) : stderr;
    throw new Error(`${command} ${args.join(' ')}: ${why}`, { cause });
  }
};
