/**
 * Validation of probes and lifecycle hooks.
 * Source: kubernetes pkg/apis/core/validation/validation.go `validateProbe`, `validateHandler`,
 * v1.36.
 */

import type {
  Container,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  Probe,
} from '../../../../proto/api/gen/core-v1.ts';
import { httpHeaderNameErrors, portNameErrors } from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  forbiddenField,
  invalidField,
  nonNegative,
  portNumber,
  required,
  texts,
} from '../../../../proto/api/validation.ts';

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const PROBE_NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

export function probeErrors(at: string, container: Container): FieldError[] {
  return PROBES.flatMap((name) => {
    const probe = container[name];
    if (probe === undefined) return [];
    const errors = oneProbeErrors(`${at}.${name}`, probe);
    const grace = probe.terminationGracePeriodSeconds;
    const field = `${at}.${name}.terminationGracePeriodSeconds`;
    if (name === 'readinessProbe') {
      if (grace !== undefined) {
        errors.push(invalidField(field, grace, 'must not be set for readinessProbes'));
      }
      return errors;
    }
    if (probe.successThreshold !== undefined && probe.successThreshold !== 1) {
      const threshold = `${at}.${name}.successThreshold`;
      errors.push(invalidField(threshold, probe.successThreshold, 'must be 1'));
    }
    if (grace !== undefined && grace <= 0) {
      errors.push(invalidField(field, grace, 'must be greater than 0'));
    }
    return errors;
  });
}

function oneProbeErrors(at: string, probe: Probe): FieldError[] {
  const numbers = PROBE_NUMBERS.flatMap((name) => [
    ...nonNegative(`${at}.${name}`, probe[name] ?? 0),
  ]);
  return [...handlerErrors(at, probe), ...numbers];
}

export function lifecycleErrors(at: string, lifecycle: Lifecycle | undefined): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((name) => {
    const handler = lifecycle?.[name];
    return handler === undefined ? [] : handlerErrors(`${at}.${name}`, handler);
  });
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> &
  Pick<LifecycleHandler, 'sleep'>;

function handlerErrors(at: string, handler: Handler): FieldError[] {
  const given = HANDLERS.filter((name) => handler[name] !== undefined);
  if (given.length === 0) return [required(at, 'must specify a handler type')];
  const errors = given
    .slice(1)
    .map((name) => forbiddenField(`${at}.${name}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec !== undefined && (exec.command ?? []).length === 0) {
    errors.push(required(`${at}.exec.command`));
  }
  if (httpGet !== undefined) errors.push(...httpGetErrors(`${at}.httpGet`, httpGet));
  if (tcpSocket !== undefined) errors.push(...portErrors(`${at}.tcpSocket.port`, tcpSocket.port));
  if (grpc !== undefined) errors.push(...portNumber(`${at}.grpc.port`, grpc.port ?? 0));
  if (sleep !== undefined) errors.push(...nonNegative(`${at}.sleep.seconds`, sleep.seconds));
  return errors;
}

function httpGetErrors(at: string, get: HTTPGetAction): FieldError[] {
  const errors = portErrors(`${at}.port`, get.port);
  if (!get.path) errors.push(required(`${at}.path`));
  for (const { name } of get.httpHeaders ?? []) {
    errors.push(...texts(`${at}.httpHeaders`, name, httpHeaderNameErrors(name)));
  }
  return errors;
}

/** A number, or the name of a port of the container. */
function portErrors(field: string, port: number | string | undefined): FieldError[] {
  if (typeof port === 'string') return [...texts(field, port, portNameErrors(port))];
  return [...portNumber(field, port ?? 0)];
}
