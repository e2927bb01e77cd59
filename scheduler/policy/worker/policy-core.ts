/**
 * A policy at work on its own copy of the cluster: the whole algorithm up to Permit, with the default
 * filters and the policy's plugins. Binding is the scheduler's; those plugins of the policy that take
 * part in it are called here. Knows nothing of threads.
 */

import type { ReplicaSet } from '../../../proto/api/gen/apps-v1.ts';
import type { Pod, Service } from '../../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../../cache/cache.ts';
import { newPodInfo, type PodInfo } from '../../cache/pod-info.ts';
import { defaultProfile } from '../../default-profile.ts';
import { fitErrorMessage } from '../../diagnosis.ts';
import type { CycleState } from '../../framework/cycle-state.ts';
import { Framework } from '../../framework/framework.ts';
import type { PluginScores } from '../../framework/node-evaluator.ts';
import type { ConfiguredPlugin, Plugin } from '../../framework/plugin.ts';
import type { Status } from '../../framework/status.ts';
import { newPeerSelector } from '../../peer-selector.ts';
import { type Decision, decide } from '../../schedule-one.ts';
import type { Permits, Policy } from '../policy.ts';
import { type PolicyProfile, policyProfile } from '../policy-profile.ts';
import { VOLUME_NODES, VOLUME_PLUGINS } from '../volume-nodes.ts';
import type { BindingPoint, ClonedScores, ClusterChange, WorkerOutcome } from './messages.ts';

/** Default plugins that ask for what isn't here: their place is the scheduler's own thread. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'DefaultBinder',
  'DefaultPreemption',
  ...VOLUME_PLUGINS,
]);

/** A plugin of the policy, or what it called, has thrown. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
}

interface Cycle {
  readonly state: CycleState;
  readonly pod: PodInfo;
  readonly nodeName: string;
}

export class PolicyCore {
  readonly #cache = new SchedulerCache();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #services = new Map<string, Service>();
  readonly #replicaSets = new Map<string, ReplicaSet>();
  readonly #profile: PolicyProfile;
  readonly #framework: Framework;
  /** Pods with a node that aren't bound yet, by uid. The scheduler ends each. */
  readonly #cycles = new Map<string, Cycle>();
  #startIndex = 0;
  /** Of the pod that is being decided. */
  #volumeNodes: ReadonlySet<string> | undefined;

  constructor(policy: Policy, seed: number, permits: Permits) {
    const defaults = defaultProfile({
      client: { request: () => Promise.reject(new Error('A policy has no client')) },
      peersOf: newPeerSelector(
        { byIndex: (_index, namespace) => this.#servicesOf(namespace) },
        { get: (key) => this.#replicaSets.get(key) },
      ),
      namespaceLabels: (name) => this.#namespaces.get(name) ?? {},
    });
    this.#profile = policyProfile(policy, defaults.flatMap(decidingPart), {
      seed,
      permits,
    });
    const narrowing = { plugin: this.#volumeNodesPlugin() };
    this.#framework = new Framework(policy.name, [...this.#profile.plugins, narrowing]);
  }

  get ownPlugins(): readonly Plugin[] {
    const own = new Set(this.#profile.ownPlugins);
    return this.#framework.plugins.filter(({ name }) => own.has(name));
  }

  apply(changes: readonly ClusterChange[]): void {
    for (const change of changes) this.#apply(change);
  }

  /** Throws a {@link PolicyFault} when a plugin throws. A pod that gets a node counts on it at once. */
  decide(pod: Pod, volumeNodes?: readonly string[]): WorkerOutcome {
    this.#volumeNodes = volumeNodes === undefined ? undefined : new Set(volumeNodes);
    const info = newPodInfo(pod);
    const gate = this.#framework.preEnqueue(pod);
    if (gate !== undefined) return this.#none(gate);
    const { tieBreak, percentageOfNodesToScore } = this.#profile;
    const decision = decide(this.#framework, this.#cache.snapshot(), info, {
      startIndex: this.#startIndex,
      tieBreak,
      percentageOfNodesToScore,
    });
    switch (decision.kind) {
      case 'error':
        throw new PolicyFault(faultText(decision.status));
      case 'none': {
        this.#startIndex = decision.nextStartIndex;
        const { diagnosis, nominatedNodeName } = decision;
        const { rejectedBy } = diagnosis;
        const statuses = this.#ownStatuses(diagnosis.statuses);
        const message = fitErrorMessage(diagnosis);
        const nomination = nominatedNodeName === undefined ? {} : { nominatedNodeName };
        return { kind: 'none', message, statuses, rejectedBy, ...nomination };
      }
      case 'node':
        this.#startIndex = decision.nextStartIndex;
        return this.#settle(info, decision);
    }
  }

  /** Of an own plugin, for a pod that was given a node here. */
  async call(plugin: string, point: BindingPoint, uid: string): Promise<Status | undefined> {
    const cycle = this.#cycles.get(uid);
    const own = this.ownPlugins.find(({ name }) => name === plugin);
    if (cycle === undefined || own === undefined) return lost(plugin);
    // It has no client, and is ended when it takes too long: nothing is left to abort.
    const signal = new AbortController().signal;
    const status = await own[point]?.(cycle.state, cycle.pod, cycle.nodeName, signal);
    return status === undefined ? undefined : { ...plain(status), plugin };
  }

  /** The pod is bound, or won't be: its cycle is forgotten. */
  end(point: 'unreserve' | 'postBind', uid: string): void {
    const cycle = this.#cycles.get(uid);
    if (cycle === undefined) return;
    this.#cycles.delete(uid);
    if (point === 'unreserve') this.#cache.removePod(uid);
    this.#framework[point](cycle.state, cycle.pod, cycle.nodeName);
  }

  #settle(pod: PodInfo, decision: Decision & { readonly kind: 'node' }): WorkerOutcome {
    const { state, nodeName, feasible, scores } = decision;
    const { uid } = pod.pod.metadata;
    this.#cache.setPod({ ...pod.pod, spec: { ...pod.pod.spec, nodeName } });
    const reserved = this.#framework.reserve(state, pod, nodeName);
    if (reserved !== undefined) return this.#back(uid, reserved);
    const { status, waitingOn } = this.#framework.permit(state, pod, nodeName);
    if (status !== undefined && status.code !== 'Wait') {
      this.#framework.unreserve(state, pod, nodeName);
      return this.#back(uid, status);
    }
    this.#cycles.set(uid, { state, pod, nodeName });
    return {
      kind: 'node',
      nodeName,
      waitingOn,
      feasible,
      scores: scores.map(compact),
    };
  }

  #back(uid: string, status: Status): WorkerOutcome {
    this.#cache.removePod(uid);
    return this.#none(status);
  }

  #none(status: Status): WorkerOutcome {
    if (status.code === 'Error') throw new PolicyFault(faultText(status));
    return {
      kind: 'none',
      message: status.reasons.join(', '),
      statuses: new Map(),
      rejectedBy: new Set(status.plugin === undefined ? [] : [status.plugin]),
    };
  }

  #volumeNodesPlugin(): Plugin {
    const preFilter: Plugin['preFilter'] = () =>
      this.#volumeNodes === undefined ? {} : { nodeNames: this.#volumeNodes };
    return { name: VOLUME_NODES, preFilter };
  }

  #ownStatuses(statuses: ReadonlyMap<string, Status>): ReadonlyMap<string, Status> {
    const own = new Set(this.#profile.ownPlugins);
    const result = new Map<string, Status>();
    for (const [node, status] of statuses) {
      if (own.has(status.plugin ?? '')) result.set(node, plain(status));
    }
    return result;
  }

  #servicesOf(namespace: string): Service[] {
    return [...this.#services.values()].filter(({ metadata }) => metadata.namespace === namespace);
  }

  #apply(change: ClusterChange): void {
    switch (change.kind) {
      case 'setNode':
        this.#cache.setNode(change.node);
        break;
      case 'removeNode':
        this.#cache.removeNode(change.name);
        break;
      case 'setPod':
        this.#cache.setPod(change.pod);
        break;
      case 'removePod':
        this.#cache.removePod(change.uid);
        break;
      case 'setNamespace':
        this.#namespaces.set(change.name, change.labels);
        break;
      case 'removeNamespace':
        this.#namespaces.delete(change.name);
        break;
      case 'setService':
        this.#services.set(change.key, change.service);
        break;
      case 'removeService':
        this.#services.delete(change.key);
        break;
      case 'setReplicaSet':
        this.#replicaSets.set(change.key, change.replicaSet);
        break;
      case 'removeReplicaSet':
        this.#replicaSets.delete(change.key);
        break;
    }
  }
}

/** A default plugin as far as it decides. What it does from Reserve on is done by the scheduler. */
function decidingPart({ plugin, weight }: ConfiguredPlugin): readonly ConfiguredPlugin[] {
  if (ELSEWHERE.has(plugin.name)) return [];
  const none = undefined;
  const acts = plugin.reserve ?? plugin.permit ?? plugin.preBind ?? plugin.bind ?? plugin.postBind;
  const part: Plugin =
    acts === undefined
      ? plugin
      : {
          ...plugin,
          ...{ reserve: none, unreserve: none, permit: none },
          ...{ preBind: none, bind: none, postBind: none },
        };
  return [weight === undefined ? { plugin: part } : { plugin: part, weight }];
}

function faultText({ plugin, reasons, error }: Status): string {
  const name = error instanceof Error ? `${error.name}: ` : '';
  return `plugin "${plugin ?? ''}" threw ${name}${reasons.join(', ')}`;
}

function lost(plugin: string): Status {
  const reasons = ['the policy has no cycle of this pod: it was started anew meanwhile'];
  return { code: 'Error', reasons, plugin };
}

/** Without the error, which may hold what can't be cloned. */
function plain({ code, reasons, plugin }: Status): Status {
  return plugin === undefined ? { code, reasons } : { code, reasons, plugin };
}

function compact({ plugin, weight, scores }: PluginScores): ClonedScores {
  return { plugin, weight, scores: Float32Array.from(scores) };
}
