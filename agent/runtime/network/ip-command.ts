/**
 * Runs iproute2's `ip` on a batch of commands: one process for many changes (about 3 ms). A batch stops
 * at its first failure; what came before it stays done.
 */

import { spawn } from 'node:child_process';

/** What ip says on standard error when it fails; more is cut off. */
const STDERR_CHARACTERS_MAX = 2_000;

export type RunIp = (commands: readonly string[], netnsPath?: string) => Promise<void>;

/**
 * Runs the commands (`link set lo up`) in this process's network namespace, or in the one pinned at
 * `netnsPath`. Throws with what ip said.
 */
export const runIp: RunIp = async (commands, netnsPath) => {
  const ip = ['ip', '-batch', '-'];
  const [file = '', ...args] =
    netnsPath === undefined ? ip : ['nsenter', `--net=${netnsPath}`, ...ip];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(0, STDERR_CHARACTERS_MAX);
  });
  // The pipe breaks when ip ends before it has read all: its exit code says why.
  child.stdin.on('error', () => undefined);
  child.on('error', (cause) => reject(new Error(`Could not run ${file}`, { cause })));
  child.on('close', (code) => {
    if (code === 0) resolve();
    else
      reject(
        new Error(`ip: ${stderr.trim() || `ended with code ${code}`}: ${commands.join('; ')}`),
      );
  });
  child.stdin.end(`${commands.join('\n')}\n`);
  return promise;
};
