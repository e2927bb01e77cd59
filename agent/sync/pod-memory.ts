/**
 * What the agent remembers of one pod between two looks at it. All of it may be lost: after a
 * restart the pod is adopted from what the runtime and the API say.
 */

import type { PodObserver } from '../cri/observe-pod.ts';
import type { WaitingReason } from '../pod/container-status.ts';
import type { CrashBackoffEntry } from '../pod/crash-backoff.ts';
import type { ObservedPod } from '../pod/observed-pod.ts';
import type { VolumePaths } from '../volumes/volume-manager.ts';

/** A start that failed and when to try it again. */
export interface StartRetry {
  readonly failures: number;
  readonly atMs: number;
}

export interface PodMemory {
  readonly observer: PodObserver;
  observed: ObservedPod;
  /** By container name, as are the next two. */
  readonly waiting: Map<string, WaitingReason>;
  readonly crashes: Map<string, CrashBackoffEntry>;
  readonly retries: Map<string, StartRetry>;
  /** Hooks that were begun, by container id: they run once. */
  readonly preStops: Map<string, Promise<void>>;
  /** Containers whose stop was announced. */
  readonly announced: Set<string>;
  volumes: VolumePaths | undefined;
  volumesAtMs: number;
  /** Set when the agent itself ends the pod. */
  failure: { readonly reason: string; readonly message: string } | undefined;
}

export function newPodMemory(uid: string, observer: PodObserver): PodMemory {
  return {
    observer,
    observed: { uid, sandboxes: [], containers: [] },
    waiting: new Map(),
    crashes: new Map(),
    retries: new Map(),
    preStops: new Map(),
    announced: new Set(),
    volumes: undefined,
    volumesAtMs: 0,
    failure: undefined,
  };
}
