/**
 * The node's lease: a small object renewed every ten seconds, by which the node lifecycle controller
 * knows that the agent lives.
 *
 * Source: kubernetes component-helpers apimachinery/lease/controller.go, v0.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { microTime } from '../../client/timestamps.ts';
import type { Lease } from '../../proto/api/gen/coordination-v1.ts';
import { leases, nodes } from '../../proto/api/gen/resources.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../proto/api/status-error.ts';

const NAMESPACE = 'kube-node-lease';
const DURATION_SECONDS = 40;
const RENEW_MS = (DURATION_SECONDS * 1000) / 4;
const RETRY_MS = 500;

export interface NodeLeaseOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'update'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
}

/** Renews until the signal is aborted; the last renewal is seldom more than ten seconds old. */
export async function keepNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  let lease: Lease | undefined;
  while (!signal.aborted) {
    let waitMs = RENEW_MS;
    try {
      lease = await renew(options, lease, signal);
    } catch (error) {
      if (signal.aborted) return;
      lease = undefined;
      waitMs = RETRY_MS;
      // The namespace of leases may come a moment after the API server.
      if (!isConflict(error)) logger.debug('Could not renew the lease', { error });
    }
    await clock.after(waitMs, signal);
  }
}

async function renew(
  options: NodeLeaseOptions,
  known: Lease | undefined,
  signal: AbortSignal,
): Promise<Lease> {
  const { client, clock, nodeName } = options;
  const target = { namespace: NAMESPACE, name: nodeName };
  const spec = {
    holderIdentity: nodeName,
    leaseDurationSeconds: DURATION_SECONDS,
    renewTime: microTime(clock.wallMs()),
  };
  const current =
    known ??
    (await client.get(leases, target, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    }));
  if (current !== undefined) {
    return client.update(leases, { ...current, spec: { ...current.spec, ...spec } }, {}, signal);
  }
  const node = await client.get(nodes, { name: nodeName }, signal);
  const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid };
  const metadata = { ...target, ownerReferences: [owner] };
  const draft = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec } as const;
  try {
    return await client.create(leases, draft, {}, signal);
  } catch (error) {
    if (isAlreadyExists(error)) return client.get(leases, target, signal);
    throw error;
  }
}
