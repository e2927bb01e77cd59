/**
 * Validation of the containers of a pod.
 * Source: kubernetes pkg/apis/core/validation/validation.go `validateContainers`,
 * `validateInitContainers`, `ValidateContainerPorts`, `ValidateVolumeMounts`, v1.36.
 */

import type {
  Container,
  ContainerPort,
  PodSpec,
  VolumeMount,
} from '../../../../proto/api/gen/core-v1.ts';
import { dns1123LabelErrors, portNameErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  duplicate,
  forbiddenField,
  invalidField,
  notFoundField,
  notSupported,
  portNumber,
  required,
  texts,
} from '../../../../proto/api/validation.ts';
import { envErrors, envFromErrors } from './env-validation.ts';
import { lifecycleErrors, probeErrors } from './probe-validation.ts';
import { resourceErrors } from './resource-validation.ts';
import { containerSecurityErrors } from './security-validation.ts';
import { backstepErrors, localPathErrors } from './volume-validation.ts';

export function containerListErrors(
  at: string,
  spec: PodSpec,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const { containers = [], initContainers = [] } = spec;
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const errors: FieldError[] = [];
  if (containers.length === 0) errors.push(required(`${at}.containers`));
  const check = (list: readonly Container[], name: 'containers' | 'initContainers') => {
    for (const [index, container] of list.entries()) {
      const field = `${at}.${name}[${index}]`;
      errors.push(...containerErrors(field, container, volumes));
      errors.push(...portErrors(`${field}.ports`, container, spec, hostPorts));
      errors.push(...(name === 'initContainers' ? initErrors : mainErrors)(field, container));
      if (container.name && names.has(container.name)) {
        errors.push(duplicate(`${field}.name`, container.name));
      }
      names.add(container.name);
    }
  };
  check(containers, 'containers');
  check(initContainers, 'initContainers');
  return errors;
}

function containerErrors(
  at: string,
  container: Container,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const { name = '', image = '' } = container;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(`${at}.name`));
  else errors.push(...texts(`${at}.name`, name, dns1123LabelErrors(name)));
  if (image === '') errors.push(required(`${at}.image`));
  else if (image.trim() !== image) {
    const why = 'must not have leading or trailing whitespace';
    errors.push(invalidField(`${at}.image`, image, why));
  }
  return [
    ...errors,
    ...lifecycleErrors(`${at}.lifecycle`, container.lifecycle),
    ...probeErrors(at, container),
    ...envErrors(`${at}.env`, container.env ?? []),
    ...envFromErrors(`${at}.envFrom`, container.envFrom ?? []),
    ...mountErrors(`${at}.volumeMounts`, container.volumeMounts ?? [], volumes),
    ...resourceErrors(`${at}.resources`, container.resources),
    ...containerSecurityErrors(`${at}.securityContext`, container.securityContext),
  ];
}

/** What is only asked of containers that are not init containers. */
function mainErrors(at: string, container: Container): FieldError[] {
  if (container.restartPolicy === undefined) return [];
  return [forbiddenField(`${at}.restartPolicy`, 'may not be set for non-init containers')];
}

/** An init container that ends can't be probed; one that goes on (a sidecar) can. */
function initErrors(at: string, container: Container): FieldError[] {
  const { restartPolicy } = container;
  if (restartPolicy === 'Always') return [];
  const errors: FieldError[] = [];
  if (restartPolicy !== undefined) {
    errors.push(notSupported(`${at}.restartPolicy`, restartPolicy, ['Always']));
  }
  for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[field] === undefined) continue;
    const why = 'may not be set for init containers without restartPolicy=Always';
    errors.push(forbiddenField(`${at}.${field}`, why));
  }
  return errors;
}

function portErrors(
  at: string,
  container: Container,
  spec: PodSpec,
  hostPorts: Set<string>,
): FieldError[] {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, port] of (container.ports ?? []).entries()) {
    const field = `${at}[${index}]`;
    const { name = '', containerPort = 0, hostPort = 0 } = port;
    if (name !== '') {
      errors.push(...texts(`${field}.name`, name, portNameErrors(name)));
      if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${field}.containerPort`));
    else errors.push(...portNumber(`${field}.containerPort`, containerPort));
    if (hostPort === 0) continue;
    errors.push(...portNumber(`${field}.hostPort`, hostPort));
    if (spec.hostNetwork === true && hostPort !== containerPort) {
      const why = 'must match `hostPort` when `hostNetwork` is true';
      errors.push(invalidField(`${field}.containerPort`, containerPort, why));
    }
    const key = hostPortKey(port);
    if (hostPorts.has(key)) errors.push(duplicate(`${field}.hostPort`, key));
    hostPorts.add(key);
  }
  return errors;
}

function hostPortKey(port: ContainerPort): string {
  return `${port.hostIP || '0.0.0.0'}/${port.protocol ?? 'TCP'}/${port.hostPort}`;
}

function mountErrors(
  at: string,
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
): FieldError[] {
  const paths = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, mount] of mounts.entries()) {
    const field = `${at}[${index}]`;
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    if (name === '') errors.push(required(`${field}.name`));
    if (!volumes.has(name)) errors.push(notFoundField(`${field}.name`, name));
    if (mountPath === '') errors.push(required(`${field}.mountPath`));
    if (paths.has(mountPath)) {
      errors.push(invalidField(`${field}.mountPath`, mountPath, 'must be unique'));
    }
    paths.add(mountPath);
    if (subPath !== '') errors.push(...localPathErrors(`${field}.subPath`, subPath));
    if (subPathExpr === '') continue;
    if (subPath !== '') {
      const why = 'subPathExpr and subPath are mutually exclusive';
      errors.push(invalidField(`${field}.subPathExpr`, subPathExpr, why));
    }
    if (subPathExpr.startsWith('/')) {
      errors.push(invalidField(`${field}.subPathExpr`, subPathExpr, 'must be a relative path'));
    }
    errors.push(...backstepErrors(`${field}.subPathExpr`, subPathExpr));
  }
  return errors;
}
