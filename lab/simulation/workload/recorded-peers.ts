/**
 * Which pods a recorded pod is spread among by default. In the cluster its Services and its ReplicaSet say
 * so; a simulation has neither, so the recording writes it into an annotation of the pod.
 */

import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { Requirement } from '../../../proto/api/label-selector.ts';

export const PEERS_ANNOTATION = 'lab.skiff.dev/peers';

/** Undefined without the annotation. */
export function recordedPeers({ metadata }: Pod): readonly Requirement[] | undefined {
  const text = metadata.annotations?.[PEERS_ANNOTATION];
  // Only a recording writes it.
  return text === undefined ? undefined : (JSON.parse(text) as readonly Requirement[]);
}
