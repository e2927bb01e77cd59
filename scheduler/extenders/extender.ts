/**
 * One HTTP extender: a process that has a say in which nodes fit, how good they are, who has to go,
 * and may bind pods itself. Field names are those of upstream's Go types; they are read whatever
 * their case, as Go reads them.
 *
 * Source: kubernetes/kube-scheduler extender/v1/types.go, kubernetes pkg/scheduler/extender.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { isJsonObject } from '../../proto/api/json.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { ExtenderConfiguration } from '../config/configuration.ts';
import type { Candidate } from '../plugins/default-preemption/select-candidate.ts';
import type { PostJson } from './post-json.ts';

/** What an extender leaves of the nodes, and why it drops the others. */
export interface ExtenderVerdict {
  readonly feasible: readonly NodeInfo[];
  /** By node. */
  readonly failed: ReadonlyMap<string, string>;
  /** Where nothing would help, not even preemption. */
  readonly hopeless: ReadonlyMap<string, string>;
}

export class Extender {
  readonly configuration: ExtenderConfiguration;
  readonly #post: PostJson;

  constructor(configuration: ExtenderConfiguration, post: PostJson) {
    this.configuration = configuration;
    this.#post = post;
  }

  /** Whether the pod asks for something that it manages. */
  isInterested({ spec }: Pod): boolean {
    const { managedResources } = this.configuration;
    if (managedResources.length === 0) return true;
    const containers = [...spec.containers, ...(spec.initContainers ?? [])];
    return managedResources.some(({ name }) =>
      containers.some(({ resources }) =>
        [resources?.requests, resources?.limits].some((list) => list?.[name] !== undefined),
      ),
    );
  }

  /** Rejects when the extender fails. */
  async filter(
    pod: Pod,
    nodes: readonly NodeInfo[],
    signal: AbortSignal,
  ): Promise<ExtenderVerdict> {
    const answer = await this.#ask('filterVerb', { Pod: pod, ...this.#nodesOf(nodes) }, signal);
    const error = field(answer, 'error');
    if (typeof error === 'string' && error !== '') throw new Error(error);
    const names = this.configuration.nodeCacheCapable
      ? strings(field(answer, 'nodenames'))
      : items(field(answer, 'nodes')).map(nameOf);
    const kept = new Set(names);
    const known = new Set(nodes.map(({ name }) => name));
    const foreign = names.find((name) => !known.has(name));
    if (foreign !== undefined) {
      throw new Error(
        `extender "${this.configuration.urlPrefix}" claims a filtered node "${foreign}" which is not found in the input node list`,
      );
    }
    return {
      feasible: nodes.filter(({ name }) => kept.has(name)),
      failed: texts(field(answer, 'failednodes')),
      hopeless: texts(field(answer, 'failedandunresolvablenodes')),
    };
  }

  /** Its points for each node, 0 to 10 by contract; rejects when the extender fails. */
  async prioritize(
    pod: Pod,
    nodes: readonly NodeInfo[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#ask('prioritizeVerb', { Pod: pod, ...this.#nodesOf(nodes) }, signal);
    const points = new Map<string, number>();
    for (const entry of Array.isArray(answer) ? answer : []) {
      const [host, score] = [field(entry, 'host'), field(entry, 'score')];
      if (typeof host === 'string' && typeof score === 'number') points.set(host, score);
    }
    return points;
  }

  /** Of the nodes and victims those that the extender agrees to; it may take some off both. */
  async preempt(
    pod: Pod,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<readonly Candidate[]> {
    const { nodeCacheCapable, urlPrefix } = this.configuration;
    const victims = candidates.map(({ nodeName, victims: pods, budgetViolations }) => {
      const Pods = pods.map((one) => (nodeCacheCapable ? { UID: one.pod.metadata.uid } : one.pod));
      return [nodeName, { Pods, NumPDBViolations: budgetViolations }] as const;
    });
    const key = nodeCacheCapable ? 'NodeNameToMetaVictims' : 'NodeNameToVictims';
    const body = { Pod: pod, [key]: Object.fromEntries(victims) };
    const answer = await this.#ask('preemptVerb', body, signal);
    const agreed = field(answer, 'nodenametometavictims');
    if (!isJsonObject(agreed)) return [];
    return Object.entries(agreed).map(([nodeName, meta]) => {
      const candidate = candidates.find((each) => each.nodeName === nodeName);
      const uids = items(meta, 'pods').map((each) => field(each, 'uid'));
      const left = candidate?.victims.filter((one) => uids.includes(one.pod.metadata.uid)) ?? [];
      if (left.length === 0 || left.length !== uids.length) {
        throw new Error(
          `extender "${urlPrefix}" names victims on node "${nodeName}" that it was not asked about, or none`,
        );
      }
      const violations = Number(field(meta, 'numpdbviolations') ?? 0);
      return { nodeName, victims: left, budgetViolations: violations };
    });
  }

  async bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const body = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: nodeName };
    const error = field(await this.#ask('bindVerb', body, signal), 'error');
    if (typeof error === 'string' && error !== '') throw new Error(error);
  }

  #nodesOf(nodes: readonly NodeInfo[]): object {
    if (this.configuration.nodeCacheCapable) return { NodeNames: nodes.map(({ name }) => name) };
    return { Nodes: { metadata: {}, items: nodes.map(({ node }) => node) } };
  }

  #ask(
    verb: 'filterVerb' | 'prioritizeVerb' | 'preemptVerb' | 'bindVerb',
    body: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { urlPrefix, httpTimeoutMs } = this.configuration;
    const url = `${urlPrefix.replace(/\/+$/, '')}/${this.configuration[verb]}`;
    return this.#post(url, body, httpTimeoutMs, signal);
  }
}

/** By its name in lower case. */
function field(value: unknown, name: string): unknown {
  if (!isJsonObject(value)) return undefined;
  const key = Object.keys(value).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : value[key];
}

function items(value: unknown, name = 'items'): readonly unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}

function nameOf(node: unknown): string {
  const name = field(field(node, 'metadata'), 'name');
  return typeof name === 'string' ? name : '';
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function texts(value: unknown): ReadonlyMap<string, string> {
  if (!isJsonObject(value)) return new Map();
  return new Map(Object.entries(value).map(([name, why]) => [name, String(why)]));
}
