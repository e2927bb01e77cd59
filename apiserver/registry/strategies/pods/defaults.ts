/**
 * The defaults of a pod, and of the pod in a template, that the schema does not hold. Running them
 * again on their own result changes nothing.
 * Source: kubernetes pkg/apis/core/v1/defaults.go, v1.36.
 */

import type {
  Container,
  ContainerPort,
  LifecycleHandler,
  Pod,
  PodSpec,
  Probe,
  ResourceRequirements,
} from '../../../../proto/api/gen/core-v1.ts';
import type { Editable } from '../define-strategy.ts';
import { setVolumeDefaults } from './volume-defaults.ts';

/** What a pod gets, but a template does not. */
export function setPodDefaults(pod: Editable<Pod>): void {
  const { spec } = pod;
  if (spec === undefined) return;
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  for (const container of allContainers(spec)) setRequestsFromLimits(container.resources);
  if (spec.hostNetwork !== true) return;
  for (const port of allContainers(spec).flatMap((container) => container.ports ?? [])) {
    // In the node's network a container port is the node's port.
    if ((port.hostPort ?? 0) === 0) port.hostPort = port.containerPort;
  }
}

/** What the spec of a pod gets, also in a template. */
export function setPodSpecDefaults(spec: Editable<PodSpec>): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  setServiceAccount(spec);
  for (const container of allContainers(spec)) setContainerDefaults(container);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are always the same. */
export function setServiceAccount(spec: Editable<PodSpec>): void {
  const name = spec.serviceAccountName || spec.serviceAccount || '';
  if (name === '') return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

export function allContainers(spec: Editable<PodSpec>): Editable<Container>[] {
  // An ephemeral container has every field of a container, and one more.
  const ephemeral = (spec.ephemeralContainers ?? []) as Editable<Container>[];
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...ephemeral];
}

function setContainerDefaults(container: Editable<Container>): void {
  container.imagePullPolicy ||= isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) setPortDefaults(port);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined && probe !== null) setProbeDefaults(probe);
  }
  for (const hook of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    setHandlerDefaults(hook);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ||= 'v1';
  }
}

function setPortDefaults(port: Editable<ContainerPort>): void {
  port.protocol ||= 'TCP';
}

function setProbeDefaults(probe: Editable<Probe>): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  setHandlerDefaults(probe);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function setHandlerDefaults(
  handler: Pick<Editable<LifecycleHandler>, 'httpGet'> | undefined,
): void {
  const get = handler?.httpGet;
  if (get === undefined || get === null) return;
  get.path ||= '/';
  get.scheme ||= 'HTTP';
}

/** A limit without a request requests as much. */
function setRequestsFromLimits(resources: Editable<ResourceRequirements> | undefined): void {
  if (resources?.limits === undefined) return;
  const requests = { ...resources.requests };
  for (const [name, quantity] of Object.entries(resources.limits)) requests[name] ??= quantity;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** Whether an image reference means the newest: no tag and no digest, or the tag `latest`. */
function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const name = image.slice(image.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  return colon < 0 || name.slice(colon + 1) === 'latest';
}
