/**
 * Keeps simulated nodes alive and their pods living, through the API only: makes the nodes that are
 * missing when it starts, writes their status, renews their leases, and carries out the stages of the
 * pods on them. Every node with the label `type=simulated` is kept, whoever made it; one that is
 * deleted stays away.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { Informer } from '../../client/informer.ts';
import { microTime } from '../../client/timestamps.ts';
import { WorkQueue } from '../../client/work-queue.ts';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { leases, nodes, pods } from '../../proto/api/gen/resources.ts';
import { keyOf } from '../../proto/api/meta.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../proto/api/status-error.ts';
import { AddressPool } from './address-pool.ts';
import { DueKeys } from './due-keys.ts';
import {
  addressOf,
  newSimulatedNode,
  simulatedNodeNames,
  simulatedNodeStatus,
} from './node-form.ts';
import { nextPodStep, statusAfter } from './pod-stages.ts';
import { SIMULATED_SELECTOR, type SimulatedNodes } from './settings.ts';

export interface SimulatedNodesDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Requests in flight: more would only wait in the API server, which others use too. */
const WORKERS = 16;
/** As the kubelet's. */
const LEASE_SECONDS = 40;
/** Half of that: two renewals may fail in a row within the 50 s that nodes may be silent. */
const RENEW_MS = 20_000;
const LEASE_NAMESPACE = 'kube-node-lease';

/** Returns when the signal is aborted and no request is under way. */
export async function runSimulatedNodes(
  settings: SimulatedNodes,
  deps: SimulatedNodesDeps,
  signal: AbortSignal,
): Promise<void> {
  await new SimulatedNodeKeeper(settings, deps).run(signal);
}

class SimulatedNodeKeeper {
  readonly #settings: SimulatedNodes;
  readonly #deps: SimulatedNodesDeps;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #due: DueKeys;
  readonly #addresses = new AddressPool();
  /** The place in the row of those that are still to be made. */
  readonly #toMake = new Map<string, number>();

  constructor(settings: SimulatedNodes, deps: SimulatedNodesDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#nodes = new Informer(deps, nodes, { labelSelector: SIMULATED_SELECTOR });
    this.#pods = new Informer(deps, pods, {
      fieldSelector: 'spec.nodeName!=',
      indexers: { node: ({ spec }) => [spec.nodeName ?? ''] },
    });
    this.#queue = new WorkQueue({ clock: deps.clock });
    this.#due = new DueKeys(deps.clock, (key) => this.#queue.add(key));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#listen();
    const informers = [this.#nodes.run(signal), this.#pods.run(signal)];
    const isSynced = await Promise.all([this.#nodes.hasSynced, this.#pods.hasSynced]).then(
      () => true,
      () => false,
    );
    if (isSynced) {
      for (const [index, name] of simulatedNodeNames(this.#settings).entries()) {
        if (this.#nodes.get(name) !== undefined) continue;
        this.#toMake.set(name, index);
        this.#queue.add(`node ${name}`);
      }
      await Promise.all(Array.from({ length: WORKERS }, () => this.#work(signal)));
    }
    this.#due.close();
    this.#queue.close();
    await Promise.all(informers);
  }

  #listen(): void {
    const seeNode = (node: Node): void => {
      const { name } = node.metadata;
      const address = addressOf(node);
      if (address !== undefined) this.#addresses.note(address);
      this.#toMake.delete(name);
      this.#queue.add(`node ${name}`);
    };
    this.#nodes.addHandler({
      onAdd: (node) => {
        seeNode(node);
        this.#queue.add(`lease ${node.metadata.name}`);
        // Pods may have been bound before the node was heard of.
        for (const pod of this.#pods.byIndex('node', node.metadata.name)) this.#seePod(pod);
      },
      onUpdate: (_, node) => seeNode(node),
      onDelete: (node) => {
        this.#due.delete(`lease ${node.metadata.name}`);
        this.#addresses.release(addressOf(node) ?? '');
      },
    });
    this.#pods.addHandler({
      onAdd: (pod) => this.#seePod(pod),
      onUpdate: (_, pod) => this.#seePod(pod),
      onDelete: (pod) => {
        this.#due.delete(`pod ${keyOf(pod)}`);
        this.#addresses.release(podAddress(pod) ?? '');
      },
    });
  }

  #seePod(pod: Pod): void {
    const address = podAddress(pod);
    if (address !== undefined) this.#addresses.note(address);
    if (this.#nodes.get(pod.spec.nodeName ?? '') !== undefined)
      this.#queue.add(`pod ${keyOf(pod)}`);
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { logger } = this.#deps;
    for (;;) {
      const key = await this.#queue.take(signal);
      if (key === undefined) return;
      try {
        await this.#do(key, signal);
        this.#queue.forget(key);
      } catch (error) {
        if (!signal.aborted) {
          this.#queue.addRateLimited(key);
          const level = isConflict(error) || isNotFound(error) ? 'debug' : 'warn';
          logger[level]('Will try again', { key, error });
        }
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #do(key: string, signal: AbortSignal): Promise<void> {
    const [kind = '', name = ''] = key.split(' ');
    switch (kind) {
      case 'node':
        return await this.#keepNode(name, signal);
      case 'lease':
        return await this.#renew(name, signal);
      default:
        return await this.#keepPod(name, signal);
    }
  }

  async #keepNode(name: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const node = this.#nodes.get(name);
    const index = this.#toMake.get(name);
    if (node === undefined) {
      if (index === undefined) return;
      try {
        await client.create(nodes, newSimulatedNode(name, index, this.#settings), {}, signal);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      this.#toMake.delete(name);
      return;
    }
    const status = simulatedNodeStatus(node, clock.wallMs(), () => this.#addresses.take());
    if (status === undefined) return;
    const options = { subresource: 'status' };
    await client.patch(nodes, { name }, 'strategic', { status }, options, signal);
  }

  async #renew(name: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const target = { namespace: LEASE_NAMESPACE, name };
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: microTime(clock.wallMs()),
    };
    let afterMs = RENEW_MS;
    try {
      await client.patch(leases, target, 'merge', { spec }, {}, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { uid } = node.metadata;
      const metadata = {
        ...target,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
      };
      const draft = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata,
        spec,
      } as const;
      await client.create(leases, draft, {}, signal);
      // Leases that were made in one go are renewed one after the other.
      afterMs = RENEW_MS * Math.random();
    }
    this.#due.set(`lease ${name}`, afterMs);
  }

  async #keepPod(key: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#deps;
    const pod = this.#pods.get(key);
    const node = this.#nodes.get(pod?.spec.nodeName ?? '');
    if (pod === undefined || node === undefined) return;
    const { namespace = '', name, uid } = pod.metadata;
    const nowMs = clock.wallMs();
    const step = nextPodStep(pod, nowMs);
    switch (step.kind) {
      case 'none':
        return this.#due.delete(`pod ${key}`);
      case 'wait':
        return this.#due.set(`pod ${key}`, step.untilMs - nowMs);
      case 'remove': {
        const options = { gracePeriodSeconds: 0, preconditions: { uid } };
        return await client
          .delete(pods, { namespace, name }, options, signal)
          .catch((error: unknown) => {
            if (!isNotFound(error) && !isConflict(error)) throw error;
          });
      }
      case 'start':
      case 'ready':
      case 'finish': {
        const nodeAddress = addressOf(node);
        // The node's status is on its way; it brings the pod up again.
        if (nodeAddress === undefined) return this.#due.set(`pod ${key}`, STATUS_WAIT_MS);
        const taken = podAddress(pod) ?? (step.kind === 'start' ? this.#addresses.take() : '');
        const facts = { nowMs, nodeAddress, podAddress: taken };
        const body = { metadata: { uid }, status: statusAfter(pod, step, facts) };
        const options = { subresource: 'status' };
        try {
          await client.patch(pods, { namespace, name }, 'strategic', body, options, signal);
        } catch (error) {
          if (podAddress(pod) === undefined) this.#addresses.release(taken);
          if (!isNotFound(error) && !isConflict(error)) throw error;
        }
      }
    }
  }
}

/** Until a node that was just made has an address. */
const STATUS_WAIT_MS = 200;

/** Its own; a pod on the host's network has its node's. */
function podAddress(pod: Pod): string | undefined {
  return pod.spec.hostNetwork === true ? undefined : pod.status.podIP;
}
