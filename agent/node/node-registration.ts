/**
 * Keeps the Node object: registers it, says its status when something changed and else every five
 * minutes, and registers it anew when it was deleted.
 *
 * Source: kubernetes pkg/kubelet/kubelet_node_status.go, v1.36.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import { ConnectionError } from '../../client/http-transport.ts';
import { apiTime } from '../../client/timestamps.ts';
import type { Node } from '../../proto/api/gen/core-v1.ts';
import { nodes } from '../../proto/api/gen/resources.ts';
import { isAlreadyExists, isNotFound } from '../../proto/api/status-error.ts';
import type { EventSink } from '../sync/pod-context.ts';
import {
  type NodeFacts,
  type NodeVerdict,
  newNode,
  nodeConditions,
  nodeLabels,
  nodeStatus,
} from './node-object.ts';

/** The status is computed this often, */
const STATUS_PERIOD_MS = 10_000;
/** and written this often when it hasn't changed. */
const REPORT_PERIOD_MS = 5 * 60_000;
/** While the API server doesn't answer, or the node isn't Ready yet. */
const RETRY_MS = 200;

/** The reason of the event when a condition becomes false, and when it becomes true. */
const TURNS: Readonly<Record<NodeVerdict['type'], readonly [string, string]>> = {
  Ready: ['NodeNotReady', 'NodeReady'],
  MemoryPressure: ['NodeHasSufficientMemory', 'NodeHasInsufficientMemory'],
  DiskPressure: ['NodeHasNoDiskPressure', 'NodeHasDiskPressure'],
  PIDPressure: ['NodeHasSufficientPID', 'NodeHasInsufficientPID'],
};

export interface NodeRegistrationOptions {
  readonly client: Pick<Client, 'get' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly facts: () => NodeFacts;
  readonly verdicts: () => Promise<readonly NodeVerdict[]>;
}

export class NodeRegistration {
  readonly #options: NodeRegistrationOptions;
  readonly #registered = Promise.withResolvers<void>();
  #node: Node | undefined;
  #reportedAtMs = 0;

  constructor(options: NodeRegistrationOptions) {
    this.#options = options;
  }

  /** Resolves when the API has the node. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      let waitMs = STATUS_PERIOD_MS;
      try {
        if (!(await this.#report(signal))) waitMs = RETRY_MS;
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isNotFound(error)) this.#node = undefined;
        if (failures === 0) this.#logFailure(error);
        failures += 1;
        waitMs = RETRY_MS;
      }
      await clock.after(waitMs, signal);
    }
  }

  /** An API server that can't be reached needs one line, not a stack. */
  #logFailure(error: unknown): void {
    const reason = error instanceof ConnectionError ? error.message : error;
    this.#options.logger.warn('Could not report the node', { error: reason });
  }

  /** True when the node is Ready. */
  async #report(signal: AbortSignal): Promise<boolean> {
    const { client, clock } = this.#options;
    const facts = this.#options.facts();
    const verdicts = await this.#options.verdicts();
    this.#node ??= await this.#register(signal);
    this.#registered.resolve();
    const now = apiTime(clock.wallMs());
    const before = this.#node.status?.conditions ?? [];
    const conditions = nodeConditions(verdicts, before, now);
    const wanted = nodeStatus(facts);
    const shown: Readonly<Record<string, unknown>> = { ...this.#node.status };
    const differs = Object.entries(wanted).some(
      ([key, value]) => !isDeepStrictEqual(shown[key], value),
    );
    const turned = verdicts.some((verdict) => {
      const found = before.find(({ type }) => type === verdict.type);
      return (
        found?.status !== (verdict.status ? 'True' : 'False') || found.reason !== verdict.reason
      );
    });
    const isDue = clock.monotonicMs() - this.#reportedAtMs >= REPORT_PERIOD_MS;
    const ready = verdicts.find(({ type }) => type === 'Ready')?.status === true;
    if (!differs && !turned && !isDue) {
      // Others write the object too: what they changed shows at the next look.
      this.#node = await client.get(nodes, { name: facts.name }, signal);
      return ready;
    }
    const status = { ...wanted, conditions };
    const target = { name: facts.name };
    const options = { subresource: 'status' };
    this.#node = await client.patch(nodes, target, 'strategic', { status }, options, signal);
    this.#reportedAtMs = clock.monotonicMs();
    this.#recordTurns(this.#node, before, verdicts);
    return ready;
  }

  async #register(signal: AbortSignal): Promise<Node> {
    const { client, logger } = this.#options;
    const facts = this.#options.facts();
    const target = { name: facts.name };
    try {
      const made = await client.create(nodes, newNode(facts), {}, signal);
      logger.info('Registered the node', { node: facts.name });
      return made;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const found = await client.get(nodes, target, signal);
    const labels = nodeLabels(facts);
    const lacks = Object.entries(labels).some(([k, v]) => found.metadata.labels?.[k] !== v);
    const spec = found.spec?.podCIDR === undefined ? newNode(facts).spec : undefined;
    if (!lacks && spec === undefined) return found;
    const patch = { metadata: { labels }, ...(spec === undefined ? {} : { spec }) };
    return client.patch(nodes, target, 'strategic', patch, {}, signal);
  }

  #recordTurns(
    node: Node,
    before: readonly { readonly type: string; readonly status: string }[],
    verdicts: readonly NodeVerdict[],
  ): void {
    for (const { type, status } of verdicts) {
      const was = before.find((condition) => condition.type === type)?.status;
      if (was === (status ? 'True' : 'False')) continue;
      const reason = TURNS[type][status ? 1 : 0];
      const message = `Node ${node.metadata.name} status is now: ${reason}`;
      // The kubelet's events name the node as its own uid, where `kubectl describe node` looks.
      const { name } = node.metadata;
      const regarding = { kind: 'Node', name, uid: name };
      this.#options.events.record(regarding, 'Normal', reason, message);
    }
  }
}
