/** Questions to /proc about processes. */

import { readdirSync, readFileSync } from 'node:fs';

/** Field 22 of /proc/PID/stat (clock ticks since boot); undefined when there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** Whether this very process lives; a zombie does not. */
export function isAlive(process: { readonly pid: number; readonly startTime: string }): boolean {
  const fields = statFields(process.pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[19] === process.startTime;
}

/** Proportional set size in bytes: shared pages are counted once over all who share them. */
export function pssBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It has ended.
  }
}

/** All processes whose environment has this entry, as `SKIFF_LAB=name`. */
export function processesWithEnv(entry: string): readonly number[] {
  return allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
    } catch {
      return false; // It has ended, or is a kernel thread.
    }
  });
}

export function allPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The command line, for people; the name in brackets for a kernel thread. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** The fields after the command (which may hold any character): index 0 is the state. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
