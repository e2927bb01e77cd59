/** The files in which a lab describes itself: `lab.json` and `processes.json`. */

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../proc.ts';
import type { SupervisorState } from '../supervisor/supervisor.ts';
import { type LabSpec, RUN_ROOT } from './lab-spec.ts';

/** Writes the spec to the run folder and to the data folder, each in one step. */
export function writeLabSpec(spec: LabSpec): void {
  for (const folder of [spec.dataDir, spec.runDir]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, 'lab.json');
    writeFileSync(`${file}.new`, `${JSON.stringify(spec, undefined, 1)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

/** The spec in a run or data folder; undefined when there is none. */
export function readLabSpec(folder: string): LabSpec | undefined {
  return readJson<LabSpec>(path.join(folder, 'lab.json'));
}

export function readSupervisorState(runDir: string): SupervisorState | undefined {
  return readJson<SupervisorState>(path.join(runDir, 'processes.json'));
}

/** Whether the lab's supervisor lives. */
export function isSupervised(runDir: string): boolean {
  const state = readSupervisorState(runDir);
  return state !== undefined && isAlive(state);
}

/** The names of all labs that have a run folder. */
export function labNames(): readonly string[] {
  try {
    return readdirSync(path.join(RUN_ROOT, 'labs')).sort();
  } catch {
    return []; // No lab was up since the machine started.
  }
}

function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return JSON.parse(text) as T;
}
