/**
 * Loaded into a process before its own modules (`node --import`): kills it, as `kill -9` would, at a
 * chosen step of its work. A step is a change of a file or a message to another process; the process
 * dies before it is done, and so after the one before it.
 *
 * Armed by SIGUSR2 with the number in the file that KILL_AT_STEP_FILE names, which is then removed;
 * 0 disarms.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const CHANGES = [
  'writeFileSync',
  'renameSync',
  'mkdirSync',
  'rmSync',
  'rmdirSync',
  'unlinkSync',
  'linkSync',
  'symlinkSync',
] as const;

const file = process.env.KILL_AT_STEP_FILE ?? '';
const { readFileSync, rmSync } = fs;
let stepsLeft = 0;

function step(): void {
  if (stepsLeft === 0) return;
  stepsLeft -= 1;
  if (stepsLeft === 0) process.kill(process.pid, 'SIGKILL');
}

process.on('SIGUSR2', () => {
  stepsLeft = Number(readFileSync(file, 'utf8'));
  rmSync(file);
});

function withStep<Args extends unknown[], Result>(call: (...args: Args) => Result) {
  return function counted(this: unknown, ...args: Args): Result {
    step();
    return call.apply(this, args);
  };
}

for (const name of CHANGES) Object.assign(fs, { [name]: withStep(fs[name] as () => unknown) });
net.Socket.prototype.write = withStep(net.Socket.prototype.write as () => boolean);
syncBuiltinESMExports();
