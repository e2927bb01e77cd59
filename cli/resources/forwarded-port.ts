/**
 * The ports of `port-forward`: `REMOTE`, `LOCAL:REMOTE` or `:REMOTE` (any free local one), where the remote
 * one is a number or a name that the pod or the service gives. Pure.
 */

import type { Pod, Service } from '../../proto/api/gen/core-v1.ts';
import { CliUsageError } from '../session.ts';

export interface Forward {
  /** 0: any free one; undefined: the same as the remote one. */
  readonly local: number | undefined;
  readonly remote: string;
}

/** Throws {@link CliUsageError}. */
export function parseForward(word: string): Forward {
  const [, colon, remote = ''] = /^(?:([0-9]*):)?([^:]+)$/.exec(word) ?? [];
  const local = colon === undefined ? undefined : Number(colon);
  const isRemote = isPort(remote) || /[a-z]/.test(remote);
  if (!isRemote || (local !== undefined && local > 65_535)) {
    throw new CliUsageError(`"${word}" is not a port: use REMOTE, LOCAL:REMOTE or :REMOTE`);
  }
  return { local, remote };
}

/** The number of the pod's port. Throws {@link CliUsageError} when nothing has that name or port. */
export function podPort(remote: string, pod: Pod, service: Service | undefined): number {
  if (service === undefined) return containerPort(remote, pod);
  const { name } = service.metadata;
  const port = service.spec.ports?.find(
    (each) => each.name === remote || String(each.port) === remote,
  );
  if (port === undefined) throw new CliUsageError(`Service ${name} has no port ${remote}`);
  return containerPort(String(port.targetPort ?? port.port), pod);
}

function containerPort(port: string, pod: Pod): number {
  if (isPort(port)) return Number(port);
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const found = ports.find(({ name }) => name === port)?.containerPort;
  if (found !== undefined) return found;
  throw new CliUsageError(`Pod ${pod.metadata.name} has no port named ${port}`);
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
