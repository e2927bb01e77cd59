/**
 * Runs the plugins of one profile at each extension point, in the profile's order. A plugin that
 * throws fails the pod's cycle, not the scheduler.
 *
 * Source: kubernetes pkg/scheduler/framework/runtime/framework.go, v0.36.
 */

import assert from 'node:assert';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { addPodToNode, type NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { priorityOf } from '../plugins/priority-sort.ts';
import type { NominatedPods } from '../queue/nominator.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import type { TieBreak } from '../select-node.ts';
import { attempt, attemptAsync, attemptResult } from './attempt.ts';
import type { CycleState } from './cycle-state.ts';
import { type ExtensionPoint, type PointPlugins, takesPart } from './extension-points.ts';
import { NodeEvaluator, type PluginScores } from './node-evaluator.ts';
import type {
  ConfiguredPlugin,
  FilterHandle,
  PermitResult,
  Plugin,
  PostFilterResult,
  PreFilterResult,
} from './plugin.ts';
import { failed, isRejected, type Status, unresolvable } from './status.ts';

type With<K extends keyof Plugin> = Plugin & Required<Pick<Plugin, K>>;

/** What PreFilter made of the pod. */
export type PreFilterOutcome =
  | { readonly kind: 'rejected'; readonly status: Status }
  /** `allowed` are the only nodes worth a look; absent: all. */
  | {
      readonly kind: 'ok';
      readonly allowed?: ReadonlySet<string>;
      /** Who left these nodes only. */
      readonly narrowedBy: readonly string[];
    };

/** What a profile decides besides its plugins; what is absent is the scheduler's. */
export interface FrameworkSettings {
  /** Who takes part where, in order; absent: each plugin wherever it can, in the order given. */
  readonly points?: PointPlugins;
  /** 0: adaptive. */
  readonly percentageOfNodesToScore?: number;
  readonly tieBreak?: TieBreak;
  /** False: nothing is kept from one pod to the next. Decisions are the same, and slower. */
  readonly reuses?: boolean;
}

export class Framework {
  /** Pods choose by `spec.schedulerName`. */
  readonly profileName: string;
  readonly plugins: readonly Plugin[];
  readonly settings: FrameworkSettings;
  /** Filter and Score, over many nodes. */
  readonly nodes: NodeEvaluator;
  readonly hasScores: boolean;
  readonly #preEnqueue: readonly With<'preEnqueue'>[];
  readonly #less: With<'less'>;
  readonly #preFilter: readonly With<'preFilter'>[];
  /** Those that keep their PreFilter state true when pods come and go in thought. */
  readonly #extended: readonly With<'preFilterExtensions'>[];
  readonly #postFilter: readonly With<'postFilter'>[];
  readonly #preScore: readonly With<'preScore'>[];
  readonly #reserve: readonly Plugin[];
  readonly #permit: readonly With<'permit'>[];
  readonly #preBind: readonly With<'preBind'>[];
  readonly #bind: readonly With<'bind'>[];
  readonly #postBind: readonly With<'postBind'>[];

  constructor(
    profileName: string,
    configured: readonly ConfiguredPlugin[],
    settings: FrameworkSettings = {},
  ) {
    this.profileName = profileName;
    this.settings = settings;
    const plugins = configured.map(({ plugin }) => plugin);
    this.plugins = plugins;
    const names = new Set(plugins.map(({ name }) => name));
    assert(names.size === plugins.length, 'A plugin is in the profile twice');
    const at = (point: ExtensionPoint): readonly Plugin[] => {
      const all = plugins.filter((plugin) => takesPart(plugin, point));
      const order = settings.points?.[point];
      if (order === undefined) return all;
      return order.flatMap((name) => all.find((plugin) => plugin.name === name) ?? []);
    };
    this.#preEnqueue = withMethod(at('preEnqueue'), 'preEnqueue');
    const [less, ...more] = withMethod(at('queueSort'), 'less');
    assert(less !== undefined && more.length === 0, 'A profile has exactly one QueueSort plugin');
    this.#less = less;
    this.#preFilter = withMethod(at('preFilter'), 'preFilter');
    this.#extended = withMethod(this.#preFilter, 'preFilterExtensions');
    this.#postFilter = withMethod(at('postFilter'), 'postFilter');
    this.#preScore = withMethod(at('preScore'), 'preScore');
    const scores = withMethod(at('score'), 'score').map((plugin) => {
      const weight = configured.find((one) => one.plugin === plugin)?.weight ?? 0;
      return { plugin, weight: weight === 0 ? 1 : weight };
    });
    this.hasScores = scores.length > 0;
    const { reuses = true } = settings;
    this.nodes = new NodeEvaluator(withMethod(at('filter'), 'filter'), scores, { reuses });
    this.#reserve = at('reserve');
    this.#permit = withMethod(at('permit'), 'permit');
    this.#preBind = withMethod(at('preBind'), 'preBind');
    this.#bind = withMethod(at('bind'), 'bind');
    this.#postBind = withMethod(at('postBind'), 'postBind');
  }

  less(a: QueuedPod, b: QueuedPod): boolean {
    return this.#less.less(a, b);
  }

  preEnqueue(pod: Pod): Status | undefined {
    for (const plugin of this.#preEnqueue) {
      const status = attempt(plugin, () => plugin.preEnqueue(pod));
      if (status !== undefined) return status;
    }
    return undefined;
  }

  preFilter(state: CycleState, pod: PodInfo, snapshot: Snapshot): PreFilterOutcome {
    let allowed: ReadonlySet<string> | undefined;
    const narrowedBy: string[] = [];
    let rejected: Status | undefined;
    for (const plugin of this.#preFilter) {
      const result = attemptResult<PreFilterResult>(plugin, () =>
        plugin.preFilter(state, pod, snapshot),
      );
      const { status, nodeNames } = result;
      if (status?.code === 'Skip') {
        state.skippedFilters.add(plugin.name);
        continue;
      }
      if (status !== undefined) {
        // The others still run: each that objects is worth knowing. What can't be helped ends it.
        if (status.code !== 'Unschedulable') return { kind: 'rejected', status };
        rejected ??= status;
      }
      if (nodeNames === undefined) continue;
      narrowedBy.push(plugin.name);
      const left = allowed === undefined ? nodeNames : allowed.intersection(nodeNames);
      allowed = left;
      if (left.size === 0) {
        return { kind: 'rejected', status: nothingLeft(narrowedBy) };
      }
    }
    if (rejected !== undefined) return { kind: 'rejected', status: rejected };
    return { kind: 'ok', narrowedBy, ...(allowed === undefined ? {} : { allowed }) };
  }

  /** The first objection. */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined {
    return this.nodes.filter(state, pod, node);
  }

  /**
   * As {@link filter}, where other pods are to come: those of at least the pod's priority count too,
   * but it must fit without them as well, since they may never come.
   */
  filterWithNominated(
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
    nominated: readonly PodInfo[],
  ): Status | undefined {
    const priority = priorityOf(pod.pod);
    const { uid } = pod.pod.metadata;
    let [withThem, stateWith] = [node, state];
    for (const other of nominated) {
      if (priorityOf(other.pod) < priority || other.pod.metadata.uid === uid) continue;
      if (stateWith === state) stateWith = state.clone();
      withThem = addPodToNode(withThem, other);
      const status = this.addPod(stateWith, pod, other, withThem);
      if (status !== undefined) return status;
    }
    if (withThem !== node) {
      const status = this.filter(stateWith, pod, withThem);
      if (status !== undefined) return status;
    }
    return this.filter(state, pod, node);
  }

  addPod(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.#extended) {
      if (state.skippedFilters.has(plugin.name)) continue;
      const status = attempt(plugin, () =>
        plugin.preFilterExtensions.addPod(state, pod, added, node),
      );
      if (status !== undefined) return status;
    }
    return undefined;
  }

  removePod(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): Status | undefined {
    for (const plugin of this.#extended) {
      if (state.skippedFilters.has(plugin.name)) continue;
      const status = attempt(plugin, () =>
        plugin.preFilterExtensions.removePod(state, pod, removed, node),
      );
      if (status !== undefined) return status;
    }
    return undefined;
  }

  postFilter(
    state: CycleState,
    pod: PodInfo,
    snapshot: Snapshot,
    statuses: ReadonlyMap<string, Status>,
    nominated: NominatedPods | undefined,
  ): PostFilterResult {
    const handle: FilterHandle = {
      filter: (...[inState, forPod, node]) =>
        this.filterWithNominated(inState, forPod, node, nominated?.on(node.name) ?? []),
      addPod: (...step) => this.addPod(...step),
      removePod: (...step) => this.removePod(...step),
    };
    let last: PostFilterResult = {};
    for (const plugin of this.#postFilter) {
      last = attemptResult<PostFilterResult>(plugin, () =>
        plugin.postFilter(state, pod, snapshot, statuses, handle),
      );
      const { status } = last;
      if (status === undefined || !isRejected(status)) return last;
    }
    return last;
  }

  /**
   * The scores of every plugin that has a say; a status when one failed. Of nodes of the snapshot, when
   * it is given, what is known from like pods is used.
   */
  score(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    snapshot?: Snapshot,
  ): readonly PluginScores[] | Status {
    for (const plugin of this.#preScore) {
      const status = attempt(plugin, () => plugin.preScore(state, pod, nodes));
      if (status?.code === 'Skip') state.skippedScores.add(plugin.name);
      else if (status !== undefined) return status;
    }
    return this.nodes.score(state, pod, nodes, snapshot);
  }

  /** On an objection all reservations are taken back. */
  reserve(state: CycleState, pod: PodInfo, nodeName: string): Status | undefined {
    for (const plugin of this.#reserve) {
      const status = attempt(plugin, () => plugin.reserve?.(state, pod, nodeName));
      if (status === undefined) continue;
      this.unreserve(state, pod, nodeName);
      return status;
    }
    return undefined;
  }

  unreserve(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const plugin of this.#reserve.toReversed()) {
      attempt(plugin, () => {
        plugin.unreserve?.(state, pod, nodeName);
        return undefined;
      });
    }
  }

  /** `Wait` when some plugin says so and none objects; with the shortest time-out of each plugin. */
  permit(state: CycleState, pod: PodInfo, nodeName: string): PermitResult & WaitingOn {
    const waitingOn = new Map<string, number>();
    for (const plugin of this.#permit) {
      const { status, timeoutMs = 0 }: Partial<PermitResult> = attemptResult<PermitResult>(
        plugin,
        () => plugin.permit(state, pod, nodeName),
      );
      if (status?.code === 'Wait') waitingOn.set(plugin.name, timeoutMs);
      else if (status !== undefined) return { status, waitingOn };
    }
    if (waitingOn.size === 0) return { waitingOn };
    return { status: { code: 'Wait', reasons: [] }, waitingOn };
  }

  async preBind(...step: BindStep): Promise<Status | undefined> {
    for (const plugin of this.#preBind) {
      const status = await attemptAsync(plugin, async () => plugin.preBind(...step));
      if (status !== undefined) return status;
    }
    return undefined;
  }

  async bind(...step: BindStep): Promise<Status | undefined> {
    for (const plugin of this.#bind) {
      const status = await attemptAsync(plugin, async () => plugin.bind(...step));
      if (status?.code !== 'Skip') return status;
    }
    return failed(new Error('no plugin binds the pod'));
  }

  postBind(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const plugin of this.#postBind) {
      attempt(plugin, () => {
        plugin.postBind(state, pod, nodeName);
        return undefined;
      });
    }
  }
}

export interface WaitingOn {
  /** Plugins that the pod waits for, with their time-outs in milliseconds. */
  readonly waitingOn: ReadonlyMap<string, number>;
}

export type BindStep = readonly [CycleState, PodInfo, string, AbortSignal];

function withMethod<K extends keyof Plugin>(plugins: readonly Plugin[], method: K): With<K>[] {
  return plugins.filter((plugin): plugin is With<K> => plugin[method] !== undefined);
}

function nothingLeft(plugins: readonly string[]): Status {
  const [only = ''] = plugins;
  const text =
    plugins.length === 1
      ? `node(s) didn't satisfy plugin ${only}`
      : `node(s) didn't satisfy plugin(s) [${plugins.join(' ')}] simultaneously`;
  return { ...unresolvable(text), ...(plugins.length === 1 ? { plugin: only } : {}) };
}
