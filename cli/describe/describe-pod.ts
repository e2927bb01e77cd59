/** Describes a pod as kubectl does: where it is, its containers and their states, its conditions. */

import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
} from '../../proto/api/gen/core-v1.ts';
import { controllerOf } from '../../proto/api/meta.ts';
import { alignColumns } from '../printers/table.ts';
import type { DescriptionWriter } from './writer.ts';

export function describePod(pod: Pod, writer: DescriptionWriter): void {
  const { spec, status } = pod;
  writer.line('Priority', spec.priority ?? 0);
  writer.line('Service Account', spec.serviceAccountName);
  writer.line(
    'Node',
    spec.nodeName === undefined ? '<none>' : `${spec.nodeName}/${status.hostIP ?? ''}`,
  );
  writer.line('Start Time', status.startTime);
  writer.line(
    'Status',
    pod.metadata.deletionTimestamp === undefined ? status.phase : 'Terminating',
  );
  writer.line('Reason', status.reason);
  writer.line('Message', status.message);
  writer.line('IP', status.podIP ?? '');
  const owner = controllerOf(pod);
  writer.line('Controlled By', owner && `${owner.kind}/${owner.name}`);
  describeContainers('Init Containers', spec.initContainers, status.initContainerStatuses, writer);
  describeContainers('Containers', spec.containers, status.containerStatuses, writer);
  writer.section('Conditions', (inner) => {
    const rows = (status.conditions ?? []).map(({ type, status: value }) => [type, value]);
    inner.rows(alignColumns([['Type', 'Status'], ...rows]));
  });
  writer.section('Volumes', (inner) => {
    for (const { name, ...source } of spec.volumes ?? []) {
      const [[kind, value] = ['', {}]] = Object.entries(source);
      inner.line(name, `${kind} ${JSON.stringify(value)}`);
    }
  });
  writer.line('QoS Class', status.qosClass);
  writer.map('Node-Selectors', spec.nodeSelector);
  const tolerations = (spec.tolerations ?? []).map(
    ({ key = '', operator, value, effect, tolerationSeconds }) =>
      `${key}${operator === 'Exists' ? '' : `=${value ?? ''}`}:${effect ?? ''}${operator === 'Exists' ? ' op=Exists' : ''}${
        tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`
      }`,
  );
  writer.line('Tolerations', tolerations.length === 0 ? '<none>' : tolerations.join('; '));
}

function describeContainers(
  label: string,
  containers: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
  writer: DescriptionWriter,
): void {
  if (containers === undefined || containers.length === 0) return;
  writer.section(label, (inner) => {
    for (const container of containers) {
      const status = statuses?.find(({ name }) => name === container.name);
      inner.section(container.name, (lines) => describeContainer(container, status, lines));
    }
  });
}

function describeContainer(
  container: Container,
  status: ContainerStatus | undefined,
  writer: DescriptionWriter,
): void {
  writer.line('Container ID', status?.containerID);
  writer.line('Image', container.image);
  writer.line('Image ID', status?.imageID);
  const ports = (container.ports ?? []).map(
    ({ containerPort, protocol }) => `${containerPort}/${protocol ?? 'TCP'}`,
  );
  writer.line('Ports', ports.length === 0 ? '<none>' : ports.join(', '));
  writer.line('Command', container.command?.join(' ').split('\n')[0]);
  writer.line('Args', container.args?.join(' ').split('\n')[0]);
  describeState('State', status?.state, writer);
  if (status?.lastState !== undefined && Object.keys(status.lastState).length > 0) {
    describeState('Last State', status.lastState, writer);
  }
  writer.line('Ready', status?.ready === true ? 'True' : 'False');
  writer.line('Restart Count', status?.restartCount ?? 0);
  for (const kind of ['limits', 'requests'] as const) {
    const amounts = container.resources?.[kind];
    if (amounts === undefined) continue;
    writer.section(kind === 'limits' ? 'Limits' : 'Requests', (inner) => {
      for (const [name, amount] of Object.entries(amounts)) inner.line(name, amount);
    });
  }
  writer.section('Environment', (inner) => {
    for (const { name, value, valueFrom } of container.env ?? []) {
      inner.line(name, value ?? (valueFrom === undefined ? '' : JSON.stringify(valueFrom)));
    }
  });
  writer.section('Mounts', (inner) => {
    for (const { mountPath, name, readOnly } of container.volumeMounts ?? []) {
      inner.text(`      ${mountPath} from ${name} (${readOnly === true ? 'ro' : 'rw'})`);
    }
  });
}

function describeState(
  label: string,
  state: ContainerState | undefined,
  writer: DescriptionWriter,
): void {
  const { waiting, running, terminated } = state ?? {};
  if (running !== undefined) {
    writer.line(label, 'Running');
    writer.line('  Started', running.startedAt);
  } else if (terminated !== undefined) {
    writer.line(label, 'Terminated');
    writer.line('  Reason', terminated.reason);
    writer.line('  Message', terminated.message);
    writer.line('  Exit Code', terminated.exitCode);
    writer.line('  Started', terminated.startedAt);
    writer.line('  Finished', terminated.finishedAt);
  } else {
    writer.line(label, 'Waiting');
    writer.line('  Reason', waiting?.reason);
  }
}
