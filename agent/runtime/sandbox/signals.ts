/** Signals by the names that images and the CRI give them. Pure. Source: signal(7). */

import { constants } from 'node:os';

/** The first real-time signal that programs may use with glibc. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** What stops a container: asked for by the CRI, else by the image, else SIGTERM. */
export function stopSignalName(criSignal: string, imageSignal: string): string {
  const asked = criSignal.replace(/^SIGNAL_/, '');
  if (asked !== '' && asked !== 'RUNTIME_DEFAULT') return asked;
  return signalNumber(imageSignal) === undefined ? 'SIGTERM' : imageSignal;
}

/** Of `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3` or `SIGRTMINPLUS3`; undefined when there is none such. */
export function signalNumber(name: string): number | undefined {
  if (/^[0-9]{1,2}$/.test(name)) return inRange(Number(name));
  const full = name.toUpperCase().replace(/^(?:SIG)?/, 'SIG');
  const realTime = /^SIGRT(MIN|MAX)(?:(?:\+|-|PLUS|MINUS)([0-9]{1,2}))?$/.exec(full);
  if (realTime !== null) {
    const offset = Number(realTime[2] ?? 0);
    return inRange(realTime[1] === 'MIN' ? SIGRTMIN + offset : SIGRTMAX - offset);
  }
  // SIGCLD is SIGCHLD's name elsewhere.
  if (full === 'SIGCLD') return constants.signals.SIGCHLD;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return Object.hasOwn(numbers, full) ? numbers[full] : undefined;
}

function inRange(value: number): number | undefined {
  return value >= 1 && value <= SIGRTMAX ? value : undefined;
}
