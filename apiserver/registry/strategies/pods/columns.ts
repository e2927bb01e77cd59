/**
 * How `kubectl get pods` shows a pod: READY, STATUS and RESTARTS are told from the states of the
 * containers, in the words that people search for (CrashLoopBackOff, Init:0/1, OOMKilled …).
 * Source: kubernetes pkg/printers/internalversion/printers.go `printPod`, v1.36.
 */

import { humanDuration } from '../../../../base/human-duration.ts';
import type { Container, ContainerStatus, Pod } from '../../../../proto/api/gen/core-v1.ts';
import { parseTime } from '../../../../proto/api/time.ts';
import type { TableCell, TableColumn } from '../../strategy.ts';
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, orNone, wideColumn } from '../columns.ts';

export const POD_COLUMNS: readonly TableColumn[] = [
  NAME_COLUMN,
  column('Ready', 'How many containers are ready, of all that run side by side.'),
  column('Status', 'The state of the pod as a whole.'),
  column('Restarts', 'How often containers were restarted, and when last.'),
  AGE_COLUMN,
  wideColumn('IP', 'The IP address of the pod.'),
  wideColumn('Node', 'The node that the pod is bound to.'),
  wideColumn('Nominated Node', 'The node that preemption makes room on for the pod.'),
  wideColumn('Readiness Gates', 'How many of the extra conditions for readiness are true.'),
];

export function podCells(pod: Pod, nowMs: number): readonly TableCell[] {
  const summary = summarise(pod);
  return [
    pod.metadata.name,
    `${summary.ready}/${summary.total}`,
    summary.reason,
    restartsCell(summary, nowMs),
    ageOf(pod, nowMs),
    orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
    orNone(pod.spec?.nodeName),
    orNone(pod.status?.nominatedNodeName),
    readinessGatesCell(pod),
  ];
}

interface Summary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: number;
  /** When a container that was restarted had ended, in ms since the epoch; 0: never. */
  readonly lastRestartMs: number;
}

/** What the init containers say; `reason` is present while they are not done. */
interface InitSummary {
  readonly reason: string | undefined;
  readonly readySidecars: number;
  readonly all: Restarts;
  readonly sidecars: Restarts;
}

interface Restarts {
  count: number;
  lastMs: number;
}

function summarise(pod: Pod): Summary {
  const inits = pod.spec?.initContainers ?? [];
  const sidecars = inits.filter(isSidecar);
  const total = (pod.spec?.containers ?? []).length + sidecars.length;
  const init = summariseInits(pod, new Set(sidecars.map(({ name }) => name)));
  const base = { total, ready: init.readySidecars };
  let reason = init.reason ?? initialReason(pod);
  if (init.reason !== undefined && !isConditionTrue(pod, 'Initialized')) {
    return finish(pod, { ...base, reason, ...flat(init.all) });
  }
  const restarts = { ...init.sidecars };
  let ready = init.readySidecars;
  let hasRunning = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(restarts, status);
    const said = reasonOf(status);
    if (said !== undefined) reason = said;
    else if (status.ready && status.state?.running !== undefined) {
      hasRunning = true;
      ready += 1;
    }
  }
  // A container that goes on running counts more than those that have completed.
  if (reason === 'Completed' && hasRunning) {
    reason = isConditionTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  }
  return finish(pod, { total, ready, reason, ...flat(restarts) });
}

function summariseInits(pod: Pod, sidecars: ReadonlySet<string>): InitSummary {
  const all: Restarts = { count: 0, lastMs: 0 };
  const ofSidecars: Restarts = { count: 0, lastMs: 0 };
  let readySidecars = 0;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(all, status);
    const sidecar = sidecars.has(status.name);
    if (sidecar) countRestarts(ofSidecars, status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) readySidecars += 1;
      continue;
    }
    const waits = waiting?.reason ?? '';
    const said = terminated !== undefined ? reasonOf(status) : waits;
    const known = said !== undefined && said !== '' && said !== 'PodInitializing';
    const reason = known ? said : `${index}/${pod.spec?.initContainers?.length ?? 0}`;
    return { reason: `Init:${reason}`, readySidecars, all, sidecars: ofSidecars };
  }
  return { reason: undefined, readySidecars, all, sidecars: ofSidecars };
}

function initialReason(pod: Pod): string {
  const gated = pod.status?.conditions?.some(
    ({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated',
  );
  if (gated === true) return 'SchedulingGated';
  const { reason = '', phase = '' } = pod.status ?? {};
  return reason === '' ? phase : reason;
}

function finish(pod: Pod, summary: Summary): Summary {
  if (pod.metadata.deletionTimestamp === undefined) return summary;
  if (pod.status?.reason === 'NodeLost') return { ...summary, reason: 'Unknown' };
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return summary;
  return { ...summary, reason: 'Terminating' };
}

/** What a container that waits or has ended says of the pod. */
function reasonOf(status: ContainerStatus): string | undefined {
  const { waiting, terminated } = status.state ?? {};
  if (waiting !== undefined && (waiting.reason ?? '') !== '') return waiting.reason;
  if (terminated === undefined) return undefined;
  if ((terminated.reason ?? '') !== '') return terminated.reason;
  if ((terminated.signal ?? 0) !== 0) return `Signal:${terminated.signal}`;
  return `ExitCode:${terminated.exitCode}`;
}

function countRestarts(restarts: Restarts, status: ContainerStatus): void {
  restarts.count += status.restartCount ?? 0;
  const endedMs = parseTime(status.lastState?.terminated?.finishedAt ?? '') ?? 0;
  restarts.lastMs = Math.max(restarts.lastMs, endedMs);
}

function flat(restarts: Restarts): { readonly restarts: number; readonly lastRestartMs: number } {
  return { restarts: restarts.count, lastRestartMs: restarts.lastMs };
}

function restartsCell(summary: Summary, nowMs: number): string {
  const { restarts, lastRestartMs } = summary;
  if (restarts === 0 || lastRestartMs === 0) return String(restarts);
  return `${restarts} (${humanDuration(nowMs - lastRestartMs)} ago)`;
}

function readinessGatesCell(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => isConditionTrue(pod, conditionType));
  return `${open.length}/${gates.length}`;
}

function isConditionTrue(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.find((one) => one.type === type)?.status === 'True';
}

/** An init container that goes on running beside the others. */
function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}
