/**
 * `skiff down`: ends every process of a lab, removes all it made, and proves so by listing what it
 * looked for. Works on a lab that is up, half up, or of which only leftovers are there; calling it
 * again does no harm.
 */

import { existsSync, globSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { readLabSpec, readSupervisorState } from '../cluster/lab-files.ts';
import { DATA_ROOT, RUN_ROOT, runDirOf } from '../cluster/lab-spec.ts';
import { findLeftovers, labCgroups, labProcesses, mountsBelow } from '../cluster/leftovers.ts';
import { netnsPath, removeNetwork } from '../cluster/network.ts';
import { releaseSubnets } from '../cluster/subnet.ts';
import { isAlive } from '../proc.ts';
import type { Progress } from '../progress.ts';
import { runTool } from '../run-tool.ts';

export interface DownOptions {
  readonly name: string;
  /** Only needed when the lab's run folder is gone; absent: where `up` puts it by default. */
  readonly dataDir?: string;
  /** Keep the store, certificates, images and logs for the next `up`. */
  readonly keepData: boolean;
}

/** Components get this long to end by themselves; the store closes cleanly in it. */
const STOP_MS = 8_000;
const KILL_MS = 10_000;
const POLL_MS = 10;

/** Returns whether nothing is left. */
export async function down(
  options: DownOptions,
  deps: { readonly clock: Clock; readonly progress: Progress },
): Promise<boolean> {
  const { clock, progress } = deps;
  const { name } = options;
  const runDir = runDirOf(name);
  const spec = readLabSpec(runDir);
  const dataDir = spec?.dataDir ?? options.dataDir ?? path.join(DATA_ROOT, name);
  const nodes = namespacedNodes(name);

  if (spec === undefined) {
    progress.note(`Lab "${name}" is not up; what is left of it, if anything, is removed.`);
  }
  await progress.step('Components stopped', () => stopSupervisor(runDir, clock));
  await progress.step('Processes ended', () => killProcesses(name, clock));
  await progress.step('Mounts, cgroups and network removed', async () => {
    for (const point of mountsBelow([runDir, dataDir]).toReversed()) {
      runTool('umount', ['--lazy', point]);
    }
    await removeCgroups(name, clock);
    removeNetwork({ name, nodes });
  });
  removeFolders(runDir, dataDir, options.keepData);
  releaseSubnets(name);
  removeEmpty([path.join(RUN_ROOT, 'labs'), path.join(RUN_ROOT, 'subnets'), RUN_ROOT, DATA_ROOT]);

  const findings = findLeftovers({ name, dataDir });
  progress.note(`Looked for what lab "${name}" could have left:`);
  for (const { what, left } of findings) {
    progress.note(`  ${left.length === 0 ? '✓' : '✗'} ${what}: ${left.length === 0 ? 'none' : ''}`);
    for (const text of left) progress.note(`      ${text}`);
  }
  return findings.every(({ left }) => left.length === 0);
}

async function stopSupervisor(runDir: string, clock: Clock): Promise<void> {
  const state = readSupervisorState(runDir);
  if (state === undefined || !isAlive(state)) return;
  process.kill(state.pid, 'SIGTERM');
  const deadline = clock.monotonicMs() + STOP_MS;
  while (isAlive(state) && clock.monotonicMs() < deadline) await clock.after(POLL_MS);
  if (isAlive(state)) process.kill(state.pid, 'SIGKILL');
}

/** Kills until none is left: a process may have made another while the list was read. */
async function killProcesses(name: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + KILL_MS;
  for (;;) {
    const pids = labProcesses(name);
    if (pids.length === 0 || clock.monotonicMs() > deadline) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await clock.after(POLL_MS);
  }
}

/** A cgroup can be removed a moment after its last process has ended. */
async function removeCgroups(name: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + KILL_MS;
  for (;;) {
    const folders = labCgroups(name);
    for (const folder of folders) {
      try {
        rmdirSync(folder);
      } catch {
        // Busy for now; tried again, and at last shown among what is left.
      }
    }
    if (labCgroups(name).length === 0 || clock.monotonicMs() > deadline) break;
    await clock.after(POLL_MS);
  }
  // The parent of all labs goes with the last of them.
  removeEmpty([...globSync('/sys/fs/cgroup/*/skiff'), '/sys/fs/cgroup/skiff']);
}

/** Removes folders that labs share, when no other lab has anything in them. */
function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // Another lab is in it, or it is not there.
    }
  }
}

function removeFolders(runDir: string, dataDir: string, keepData: boolean): void {
  rmSync(runDir, { recursive: true, force: true });
  if (!keepData) {
    rmSync(dataDir, { recursive: true, force: true });
    return;
  }
  // The containers are gone, and so must be what is remembered of them.
  rmSync(path.join(dataDir, 'nodes'), { recursive: true, force: true });
  if (existsSync(dataDir)) writeFileSync(path.join(dataDir, 'kept'), 'Kept by down --keep-data\n');
}

/** The nodes whose namespaces exist, also those of a lab whose spec is gone. */
function namespacedNodes(name: string): readonly { readonly name: string }[] {
  const prefix = netnsPath(`skiff-${name}-`);
  return globSync(`${prefix}node-*`)
    .map((file) => ({ name: file.slice(prefix.length) }))
    .filter((node) => /^node-\d+$/.test(node.name));
}
