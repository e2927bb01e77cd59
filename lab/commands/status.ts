/** `skiff status`: the nodes and components of a lab, with process ids and memory. */

import type { Clock } from '../../base/clock.ts';
import { alignColumns } from '../../cli/printers/table.ts';
import { readinessOf } from '../../cli/readiness.ts';
import type { Node } from '../../proto/api/gen/core-v1.ts';
import { nodes } from '../../proto/api/gen/resources.ts';
import { connect } from '../cluster/connect.ts';
import { isSupervised, readLabSpec, readSupervisorState } from '../cluster/lab-files.ts';
import { type LabSpec, runDirOf, serverUrl } from '../cluster/lab-spec.ts';
import { labProcesses } from '../cluster/leftovers.ts';
import { processPlan } from '../cluster/process-plan.ts';
import { commandOf, isAlive, pssBytes } from '../proc.ts';
import { SIMULATED_LABEL } from '../simulated-nodes/settings.ts';

/** A status that takes longer than this says that the API server does not answer. */
const API_WAIT_MS = 2_000;

/** Prints the status; returns whether all is as it should be. */
export async function status(
  name: string,
  deps: { readonly clock: Clock; readonly write: (text: string) => void },
): Promise<boolean> {
  const { write } = deps;
  const runDir = runDirOf(name);
  const spec = readLabSpec(runDir);
  if (spec === undefined) {
    write(`Lab "${name}" is not up. Start it with: skiff up --name ${name}\n`);
    return false;
  }
  const components = componentRows(spec);
  const others = otherProcesses(spec);
  write(`Lab "${name}": ${serverUrl(spec)}, ${spec.store} store, ${spec.dataDir}\n\n`);
  const nodeRows = await nodeStates(spec);
  print(write, [['NODE', 'STATUS'], ...nodeRows.rows]);
  write('\n');
  print(write, [['COMPONENT', 'PID', 'STATUS', 'RESTARTS', 'MEMORY'], ...components.rows]);
  write(`\nMemory (PSS): ${mib(components.bytes + others.bytes)} in all, `);
  write(`${mib(components.bytes)} components, ${mib(others.bytes)} spawners and containers\n`);
  return components.isHealthy && nodeRows.isHealthy;
}

async function nodeStates(
  spec: LabSpec,
): Promise<{ readonly rows: readonly (readonly string[])[]; readonly isHealthy: boolean }> {
  try {
    const client = await connect(spec);
    const { items } = await client.list(nodes, {}, AbortSignal.timeout(API_WAIT_MS));
    const isSimulated = (node: Node): boolean =>
      node.metadata.labels?.[SIMULATED_LABEL.key] === SIMULATED_LABEL.value;
    const stateOf = (node: Node): readonly [string, string] => {
      const readiness = readinessOf({ ...node, apiVersion: 'v1', kind: 'Node' });
      const text = readiness.kind === 'ready' ? 'Ready' : `NotReady (${readiness.reason})`;
      return [node.metadata.name, text];
    };
    const states = items.filter((node) => !isSimulated(node)).map(stateOf);
    const simulated = items.filter(isSimulated).map(stateOf);
    const ready = simulated.filter(([, text]) => text === 'Ready').length;
    const rows = [...states];
    if (simulated.length > 0) {
      rows.push(['simulated', `${ready} of ${simulated.length} Ready`]);
    }
    const isHealthy = [...states, ...simulated].every(([, text]) => text === 'Ready');
    return { rows, isHealthy };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { rows: [['?', `the API server does not answer: ${why}`]], isHealthy: false };
  }
}

function componentRows(spec: LabSpec): {
  readonly rows: readonly (readonly string[])[];
  readonly bytes: number;
  readonly isHealthy: boolean;
} {
  const state = readSupervisorState(spec.runDir);
  const planned = processPlan(spec, { node: process.execPath, root: '' });
  let bytes = 0;
  let isHealthy = isSupervised(spec.runDir);
  const row = (component: string, pid: number, isUp: boolean, restarts: number): string[] => {
    const memory = isUp ? pssBytes(pid) : 0;
    bytes += memory;
    isHealthy &&= isUp;
    return [component, String(pid), isUp ? 'running' : 'down', String(restarts), mib(memory)];
  };
  const rows = [
    row('supervisor', state?.pid ?? 0, state !== undefined && isAlive(state), 0),
    ...planned.map(({ name }) => {
      const process = state?.processes.find((one) => one.name === name);
      const isUp = process !== undefined && isAlive(process);
      return row(name, process?.pid ?? 0, isUp, process?.restarts ?? 0);
    }),
  ];
  return { rows, bytes, isHealthy };
}

/** What runs in the lab and is not kept by the supervisor. */
function otherProcesses(spec: LabSpec): { readonly bytes: number } {
  const state = readSupervisorState(spec.runDir);
  const kept = new Set([state?.pid, ...(state?.processes.map((one) => one.pid) ?? [])]);
  const pids = labProcesses(spec.name).filter((pid) => !kept.has(pid) && commandOf(pid) !== '');
  return { bytes: pids.reduce((sum, pid) => sum + pssBytes(pid), 0) };
}

function print(write: (text: string) => void, rows: readonly (readonly string[])[]): void {
  for (const line of alignColumns(rows)) write(`${line}\n`);
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
