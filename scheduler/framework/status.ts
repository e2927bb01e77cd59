/**
 * What a plugin says of a pod, or of a pod on a node. `undefined` stands for success, so that the
 * usual case costs nothing.
 *
 * Source: kubernetes/kube-scheduler framework/interface.go, v0.36.
 */

/**
 * `Unschedulable`: not now, evicting pods may help. `UnschedulableAndUnresolvable`: it would not.
 * `Wait`: of Permit only. `Skip`: of PreFilter, PreScore and Bind: the plugin has no say in this
 * cycle. `Pending`: something else must happen first.
 */
export type StatusCode =
  | 'Error'
  | 'Unschedulable'
  | 'UnschedulableAndUnresolvable'
  | 'Wait'
  | 'Skip'
  | 'Pending';

export interface Status {
  readonly code: StatusCode;
  /** In the words that users see, as `Insufficient cpu`. */
  readonly reasons: readonly string[];
  /** Which plugin said it; filled in by the framework. */
  readonly plugin?: string;
  readonly error?: unknown;
}

export const SKIP: Status = { code: 'Skip', reasons: [] };

export function unschedulable(...reasons: string[]): Status {
  return { code: 'Unschedulable', reasons };
}

export function unresolvable(...reasons: string[]): Status {
  return { code: 'UnschedulableAndUnresolvable', reasons };
}

/** A failure of the plugin itself, which says nothing about the pod. */
export function failed(error: unknown): Status {
  const text = error instanceof Error ? error.message : String(error);
  return { code: 'Error', reasons: [text], error };
}

/** Whether the pod was turned down, rather than the plugin having failed. */
export function isRejected(status: Status): boolean {
  switch (status.code) {
    case 'Unschedulable':
    case 'UnschedulableAndUnresolvable':
    case 'Pending':
      return true;
    case 'Error':
    case 'Wait':
    case 'Skip':
      return false;
  }
}

/** Of a failure, in the words of an event. */
export function errorText(status: Status): string {
  const text = status.reasons.join(', ');
  return status.plugin === undefined ? text : `running plugin "${status.plugin}": ${text}`;
}
