/**
 * Watches over nodes: one whose agent is silent for too long becomes Ready=Unknown, its pods not ready;
 * taints follow a node's conditions.
 *
 * Source: kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go, v1.36.
 */

import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { leases, nodes, pods } from '../../proto/api/gen/resources.ts';
import { ApiError, isNotFound } from '../../proto/api/status-error.ts';
import { formatTime } from '../../proto/api/time.ts';
import { type ControllerContext, NODE_LEASE_NAMESPACE } from '../context.ts';
import { Controller, type ReconcileResult, type Runnable } from '../controller.ts';
import { isPodOver, podCondition } from '../pod-state.ts';
import { isNodeReady, lostConditions, NodeHealth, signOfLife } from './node-health.ts';
import { desiredTaints } from './node-taints.ts';

/** `graceMs`: how long an agent may be silent; several times its lease's renewal interval of 10 s. */
export function newNodeLifecycleController(context: ControllerContext, graceMs: number): Runnable {
  const { nodes: nodeInformer, leases: leaseInformer, pods: podInformer } = context.informers;
  const keeper = new NodeKeeper(context, graceMs);
  const controller = new Controller({
    name: 'node-lifecycle',
    clock: context.clock,
    logger: context.logger,
    synced: [nodeInformer.hasSynced, leaseInformer.hasSynced, podInformer.hasSynced],
    reconcile: (name, signal) => keeper.reconcile(name, signal),
  });
  nodeInformer.addHandler({
    onAdd: ({ metadata }) => controller.enqueue(metadata.name),
    onUpdate: (old, node) => {
      controller.enqueue(node.metadata.name);
      // Whether pods may be driven off depends on whether any node is left.
      if (isNodeReady(old) === isNodeReady(node)) return;
      for (const { metadata } of nodeInformer.list()) controller.enqueue(metadata.name);
    },
    onDelete: ({ metadata }) => keeper.forget(metadata.name),
  });
  leaseInformer.addHandler({
    onAdd: ({ metadata }) => controller.enqueue(metadata.name),
    onUpdate: (_, { metadata }) => controller.enqueue(metadata.name),
  });
  return controller;
}

class NodeKeeper {
  readonly #context: ControllerContext;
  readonly #graceMs: number;
  readonly #health = new NodeHealth();

  constructor(context: ControllerContext, graceMs: number) {
    this.#context = context;
    this.#graceMs = graceMs;
  }

  forget(name: string): void {
    this.#health.forget(name);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult | undefined> {
    const { clock, informers } = this.#context;
    let node = informers.nodes.get(name);
    if (node === undefined) return undefined;
    const lease = informers.leases.get(`${NODE_LEASE_NAMESPACE}/${name}`);
    this.#health.hear(name, signOfLife(node, lease?.spec.renewTime), clock.monotonicMs());
    let silenceMs = this.#health.silenceMs(name, clock.monotonicMs());
    if (silenceMs >= this.#graceMs) {
      // This process may have been asleep, or its watch broken: the API server knows better.
      await this.#askAgain(name, signal);
      silenceMs = this.#health.silenceMs(name, clock.monotonicMs());
    }
    if (silenceMs >= this.#graceMs) node = await this.#markLost(node, signal);
    node = await this.#taint(node, signal);
    await this.#markPods(node, signal);
    return { againAfterMs: Math.max(this.#graceMs - silenceMs, 0) || this.#graceMs };
  }

  async #askAgain(name: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context;
    const absent = (error: unknown): undefined => {
      if (!isNotFound(error)) throw error;
    };
    const target = { namespace: NODE_LEASE_NAMESPACE, name };
    try {
      const [node, lease] = await Promise.all([
        client.get(nodes, { name }, signal).catch(absent),
        client.get(leases, target, signal).catch(absent),
      ]);
      if (node === undefined) return;
      this.#health.hear(name, signOfLife(node, lease?.spec.renewTime), clock.monotonicMs());
    } catch (error) {
      // While the API server is away no agent can be heard of.
      if (signal.aborted || error instanceof ApiError) throw error;
      this.#health.forgive(name, clock.monotonicMs());
    }
  }

  async #markLost(node: Node, signal: AbortSignal): Promise<Node> {
    const { client, clock, logger, recorderOf } = this.#context;
    const conditions = lostConditions(node, clock.wallMs());
    if (conditions === undefined) return node;
    const { name, uid } = node.metadata;
    logger.warn('Lost node', { node: name });
    const next = { ...node, status: { ...node.status, conditions } };
    const written = await client.update(nodes, next, { subresource: 'status' }, signal);
    const about = { kind: 'Node', name, uid };
    const text = `Node ${name} status is now: NodeNotReady`;
    recorderOf('node-controller').record(about, 'Normal', 'NodeNotReady', text);
    return written;
  }

  /** Pods are driven off only while some node is ready: else it is us who are cut off. */
  async #taint(node: Node, signal: AbortSignal): Promise<Node> {
    const { client, clock, informers } = this.#context;
    const isAnyReady = informers.nodes
      .list()
      .some((other) => other.metadata.name !== node.metadata.name && isNodeReady(other));
    const taints = desiredTaints(node, isAnyReady, clock.wallMs());
    if (taints === undefined) return node;
    return client.update(nodes, { ...node, spec: { ...node.spec, taints } }, {}, signal);
  }

  /** No agent speaks for the pods of a lost node: nobody should send them requests. */
  async #markPods(node: Node, signal: AbortSignal): Promise<void> {
    const { clock, informers, recorderOf } = this.#context;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'Unknown') return;
    for (const pod of informers.pods.byIndex('node', node.metadata.name)) {
      if (isPodOver(pod) || podCondition(pod, 'Ready')?.status !== 'True') continue;
      recorderOf('node-controller').record(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      await this.#markNotReady(pod, clock.wallMs(), signal);
    }
  }

  async #markNotReady(pod: Pod, nowMs: number, signal: AbortSignal): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: formatTime(nowMs) };
    const patch = { metadata: { uid }, status: { conditions: [condition] } };
    const options = { subresource: 'status' };
    try {
      const target = { namespace, name };
      await this.#context.client.patch(pods, target, 'strategic', patch, options, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
