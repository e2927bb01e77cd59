/** Tells a process from a later one of the same number. Source: proc_pid_stat(5). */

import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTime: string;
  /** Numbers and ticks begin anew at each boot. */
  readonly bootId: string;
}

/** Throws when there is no such process. */
export function identify(pid: number): ProcessIdentity {
  const fields = statFields(pid);
  if (fields === undefined) throw new Error(`There is no process ${pid}`);
  return { pid, startTime: fields[19] ?? '', bootId: bootId() };
}

/** Whether this very process is there and has not ended. */
export function isSameAndAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const fields = statFields(identity.pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[19] === identity.startTime;
}

/**
 * How this very process ended, as wait(2) gives it, as long as its parent has not reaped it: the last
 * field. Undefined when it lives or is gone.
 */
export function zombieStatus(identity: ProcessIdentity): number | undefined {
  const fields = statFields(identity.pid);
  if (fields?.[0] !== 'Z' || fields[19] !== identity.startTime) return undefined;
  return Number(fields[EXIT_CODE_FIELD]);
}

/** Field 52, counted from the state. */
const EXIT_CODE_FIELD = 49;

/** Of this run of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** What comes after the command, which may hold any character: index 0 is the state. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined; // There is none.
  }
}
