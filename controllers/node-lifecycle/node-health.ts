/**
 * When a node was last heard of, by the own clock: its lease or its status has changed. What is said
 * of nodes that nobody has heard of for too long.
 *
 * Source: kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go, v1.36.
 */

import type { Node, NodeCondition } from '../../proto/api/gen/core-v1.ts';
import { formatTime } from '../../proto/api/time.ts';

/** What an agent reports of its node. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

interface Heard {
  /** The last sign of life, as it was written. */
  readonly sign: string;
  readonly atMs: number;
}

/** By the node's name. */
export class NodeHealth {
  readonly #heard = new Map<string, Heard>();

  /** Takes note; a sign that was seen before is no news. */
  hear(name: string, sign: string, nowMs: number): void {
    if (this.#heard.get(name)?.sign !== sign) this.#heard.set(name, { sign, atMs: nowMs });
  }

  /** The silence was our own deafness: it counts from now on. */
  forgive(name: string, nowMs: number): void {
    const heard = this.#heard.get(name);
    if (heard !== undefined) this.#heard.set(name, { ...heard, atMs: nowMs });
  }

  forget(name: string): void {
    this.#heard.delete(name);
  }

  /** Milliseconds since the last sign of life; 0 for a node that is new here. */
  silenceMs(name: string, nowMs: number): number {
    const heard = this.#heard.get(name);
    return heard === undefined ? 0 : nowMs - heard.atMs;
  }
}

/** A sign of life: changes whenever the agent writes its lease or its node's status. */
export function signOfLife(node: Node | undefined, renewTime: string | undefined): string {
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  return `${renewTime ?? ''} ${ready?.lastHeartbeatTime ?? ''}`;
}

/** The conditions of a lost node, all Unknown; undefined: the node says so already. */
export function lostConditions(node: Node, nowMs: number): readonly NodeCondition[] | undefined {
  const old = node.status?.conditions ?? [];
  const now = formatTime(nowMs);
  let isChanged = false;
  const next: NodeCondition[] = old.map((condition) => {
    if (!REPORTED.includes(condition.type) || condition.status === 'Unknown') return condition;
    isChanged = true;
    return {
      ...condition,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    };
  });
  for (const type of REPORTED) {
    if (old.some((condition) => condition.type === type)) continue;
    isChanged = true;
    next.push({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: node.metadata.creationTimestamp,
      lastTransitionTime: now,
    });
  }
  return isChanged ? next : undefined;
}

export function isNodeReady(node: Node): boolean {
  return (
    node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false
  );
}
