/**
 * Writes what was decided for a pod's volumes, and waits until they are bound: a volume is reserved
 * for its claim, a claim to be provisioned is told its node. Others do the rest.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/volumebinding/binder.go BindPodVolumes, v1.36.
 */

import type { Clock } from '../../../base/clock.ts';
import type { Client } from '../../../client/client.ts';
import type { PersistentVolumeClaim } from '../../../proto/api/gen/core-v1.ts';
import { persistentvolumeclaims, persistentvolumes } from '../../../proto/api/gen/resources.ts';
import { isBound, type VolumeObjects } from '../volume-objects.ts';
import { type NodeVolumes, SELECTED_NODE } from './find-volumes.ts';

export interface VolumeWriter {
  readonly client: Pick<Client, 'patch'>;
  readonly clock: Pick<Clock, 'schedule'>;
  /** How long to wait until everything is bound: `bindTimeoutSeconds`. */
  readonly timeoutMs: number;
}

const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/** Rejects when something can't be written, is taken back by others, or takes too long. */
export async function bindVolumes(
  volumes: NodeVolumes,
  nodeName: string,
  objects: VolumeObjects,
  writer: VolumeWriter,
  signal: AbortSignal,
): Promise<void> {
  const { client } = writer;
  for (const { claim, volume } of volumes.bindings) {
    const { name, resourceVersion } = volume.metadata;
    const { namespace, name: claimName, uid } = claim.metadata;
    const ref = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace,
      name: claimName,
      uid,
    };
    const patch = {
      // Somebody else may have taken it since.
      metadata: { resourceVersion, annotations: { [BOUND_BY_CONTROLLER]: 'yes' } },
      spec: { claimRef: { ...ref, resourceVersion: claim.metadata.resourceVersion } },
    };
    await client.patch(persistentvolumes, { name }, 'merge', patch, {}, signal);
  }
  for (const { metadata } of volumes.provisions) {
    const { namespace = '', name, resourceVersion } = metadata;
    const annotations = { [SELECTED_NODE]: nodeName };
    const patch = { metadata: { resourceVersion, annotations } };
    await client.patch(persistentvolumeclaims, { namespace, name }, 'merge', patch, {}, signal);
  }
  await untilBound(volumes, nodeName, objects, writer, signal);
}

function untilBound(
  volumes: NodeVolumes,
  nodeName: string,
  objects: VolumeObjects,
  { clock, timeoutMs }: VolumeWriter,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const closers: (() => void)[] = [];
    const end = (error?: Error): void => {
      for (const close of closers) close();
      if (error === undefined) resolve();
      else reject(error);
    };
    const look = (): void => {
      try {
        if (isAllBound(volumes, nodeName, objects)) end();
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const abort = (): void => end(new Error('binding volumes: the scheduler ends'));
    signal.addEventListener('abort', abort, { once: true });
    closers.push(
      () => signal.removeEventListener('abort', abort),
      objects.onChange(look),
      clock.schedule(timeoutMs, () => end(new Error('binding volumes: timed out'))),
    );
    if (signal.aborted) abort();
    else look();
  });
}

/** Throws when it can't come to that any more. */
function isAllBound(
  { bindings, provisions }: NodeVolumes,
  nodeName: string,
  objects: VolumeObjects,
): boolean {
  const latest = ({ metadata }: PersistentVolumeClaim): PersistentVolumeClaim => {
    const { namespace = '', name } = metadata;
    const claim = objects.claim(namespace, name);
    if (claim === undefined)
      throw new Error(`binding volumes: claim "${namespace}/${name}" is gone`);
    return claim;
  };
  for (const { claim, volume } of bindings) {
    const now = objects.volume(volume.metadata.name);
    // The write hasn't been heard of yet.
    if (now === undefined || now === volume) return false;
    if (now.spec.claimRef === undefined) {
      throw new Error(`binding volumes: ClaimRef got reset for pv "${volume.metadata.name}"`);
    }
    if (!isBound(latest(claim))) return false;
  }
  for (const claim of provisions) {
    const now = latest(claim);
    if (now === claim) return false;
    if (now.metadata.annotations?.[SELECTED_NODE] !== nodeName) {
      throw new Error(`binding volumes: provisioning failed for PVC "${claim.metadata.name}"`);
    }
    if (!isBound(now)) return false;
  }
  return true;
}
