/**
 * What the runtime reports of a pod, in the agent's own terms: the input of every decision. Nothing
 * here is remembered by the agent; after a restart it is read again from the runtime.
 */

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAtMs: number;
  /** Empty for pods in the host's network, and until the network is set up. */
  readonly ips: readonly string[];
}

export type ContainerStateName = 'created' | 'running' | 'exited' | 'unknown';

/** One run of a container of the pod's spec. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  /** The restart count: 0 for the first run. */
  readonly attempt: number;
  readonly state: ContainerStateName;
  /** Of the spec it was made from; absent when another agent made it. */
  readonly hash?: string;
  /** The reference by which people know the image. */
  readonly image: string;
  /** What the runtime resolved it to. */
  readonly imageId: string;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Set when the state is `exited`; 0 to 255. */
  readonly exitCode?: number;
  readonly reason?: string;
  /** The termination message, or the runtime's. */
  readonly message?: string;
}

export interface ObservedPod {
  readonly uid: string;
  /** Newest attempt first. */
  readonly sandboxes: readonly ObservedSandbox[];
  /** Newest attempt of a name first. */
  readonly containers: readonly ObservedContainer[];
}

/** The newest run of a container of this name. */
export function latestRun(observed: ObservedPod, name: string): ObservedContainer | undefined {
  return observed.containers.find((container) => container.name === name);
}

/** The run before {@link latestRun}, if the runtime still has it. */
export function previousRun(observed: ObservedPod, name: string): ObservedContainer | undefined {
  return observed.containers.filter((container) => container.name === name)[1];
}

/** Sorts as {@link ObservedPod} promises. */
export function newestFirst<T extends { readonly attempt: number; readonly createdAtMs: number }>(
  runs: readonly T[],
): readonly T[] {
  return runs.toSorted((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs);
}

/** Something the runtime says has happened to a sandbox or a container. */
export interface RuntimeEvent {
  readonly id: string;
  readonly kind: 'created' | 'started' | 'stopped' | 'deleted';
}

/** Whether what was observed was observed after the event: there is no need to look again. */
export function reflects(observed: ObservedPod, { id, kind }: RuntimeEvent): boolean {
  const sandbox = observed.sandboxes.find((each) => each.id === id);
  const container = observed.containers.find((each) => each.id === id);
  switch (kind) {
    case 'created':
    case 'started':
      return sandbox !== undefined || (container !== undefined && container.state !== 'created');
    case 'stopped':
      return sandbox?.ready === false || container?.state === 'exited';
    case 'deleted':
      return sandbox === undefined && container === undefined;
  }
}
