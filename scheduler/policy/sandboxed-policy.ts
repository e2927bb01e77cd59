/**
 * One policy file in a running scheduler: its thread, the pods that wait for its decision, what happens
 * when the file changes and when the policy misbehaves.
 *
 *     loading ──▶ running ──(throws, late, too large)──▶ stopped ──(back-off)──▶ running
 *        │          │ ▲                                                            │
 *        ▼          ▼ │ (file saved: the new version takes over when it has loaded)│
 *      broken ◀─────┴─┴────────────────────────────────────────────────────────────┘
 *
 * A new version that doesn't load leaves the old one at work. While nothing is at work, every pod goes
 * back to the scheduler with the reason, to be decided by the default profile.
 */

import { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { newPodInfo } from '../cache/pod-info.ts';
import { Framework } from '../framework/framework.ts';
import type { ConfiguredPlugin } from '../framework/plugin.ts';
import { KeyedHeap } from '../queue/heap.ts';
import { type QueuedPod, uidOf } from '../queue/queued-pod.ts';
import { bindingProfile } from './binding-profile.ts';
import type { ClusterFeed, FeedSubscription } from './cluster-feed.ts';
import type { PolicyHost } from './policies.ts';
import { volumeNodes } from './volume-nodes.ts';
import { fileVersions } from './watch-file.ts';
import type { PermitMessage, PolicyFacts, WorkerOutcome } from './worker/messages.ts';
import { PolicyStopped, PolicyWorker, type WorkerLimits } from './worker/policy-worker.ts';

export interface SandboxedPolicyOptions {
  readonly file: string;
  readonly seed: number;
  readonly limits: WorkerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly feed: ClusterFeed;
  /** The default profile, for what the scheduler itself does of the policy's profile. */
  readonly defaults: readonly ConfiguredPlugin[];
  readonly host: () => PolicyHost | undefined;
  /** Why the policy can't be called so; undefined: it can. */
  readonly clash: (facts: PolicyFacts) => string | undefined;
  /** Something that its owner should know. */
  readonly tell: (reason: PolicyEventReason, message: string) => void;
}

export type PolicyEventReason =
  | 'PolicyLoaded'
  | 'PolicyReloaded'
  | 'PolicyBroken'
  | 'PolicyStopped';

export interface PolicyState {
  readonly file: string;
  /** Unknown as long as no version has loaded. */
  readonly name: string | undefined;
  readonly description?: string;
  readonly state: 'loading' | 'running' | 'stopped' | 'broken';
  /** Why it isn't running, or why the newest version of the file isn't the one that runs. */
  readonly problem?: string;
  readonly decisions: number;
  readonly stops: number;
}

/** What came of a pod that a policy was asked about. */
export type PolicyVerdict =
  | {
      readonly kind: 'decided';
      readonly outcome: WorkerOutcome;
      readonly framework: Framework;
      readonly tieBreak: string;
    }
  /** The policy is not at work: the default profile decides. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** After a stop the policy is started again, at first soon. */
const RESTART = { initialMs: 1_000, maxMs: 60_000 };
/** One that has worked this long starts with a short back-off again. */
const STEADY_MS = 60_000;
/** What a policy that was replaced gets to end its bindings. */
const DRAIN_MS = 30_000;

interface Waiting {
  readonly queued: QueuedPod;
  readonly pod: Pod;
  readonly resolve: (verdict: PolicyVerdict) => void;
}

/** A thread that has loaded. */
interface Instance {
  readonly worker: PolicyWorker;
  readonly facts: PolicyFacts;
  readonly framework: Framework;
  readonly subscription: FeedSubscription;
  /** What pods that were given a node wait for, by uid. */
  readonly permits: Map<string, ReadonlyMap<string, number>>;
}

export class SandboxedPolicy {
  readonly #options: SandboxedPolicyOptions;
  readonly #lane: KeyedHeap<Waiting>;
  readonly #backoff = new Backoff(RESTART);
  readonly #firstLoad = Promise.withResolvers<void>();
  #instance: Instance | undefined;
  #facts: PolicyFacts | undefined;
  #state: PolicyState['state'] = 'loading';
  #problem: string | undefined;
  #decisions = 0;
  #stops = 0;
  #isPumping = false;
  #cancelRestart: (() => void) | undefined;
  #starting: Promise<void> = Promise.resolve();
  readonly #threads = new Set<PolicyWorker>();

  constructor(options: SandboxedPolicyOptions) {
    this.#options = options;
    const less = (a: Waiting, b: Waiting): boolean =>
      this.#instance?.framework.less(a.queued, b.queued) ?? false;
    this.#lane = new KeyedHeap(({ queued }) => uidOf(queued), less);
  }

  /** What the policy is, once a version has loaded. */
  get facts(): PolicyFacts | undefined {
    return this.#facts;
  }

  get framework(): Framework | undefined {
    return this.#instance?.framework;
  }

  /** Resolves when the first version has loaded, or has shown to be broken. */
  get firstLoad(): Promise<void> {
    return this.#firstLoad.promise;
  }

  get state(): PolicyState {
    const { name, description } = this.#facts ?? { name: undefined };
    return {
      file: this.#options.file,
      name,
      ...(description === undefined ? {} : { description }),
      state: this.#state,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      decisions: this.#decisions,
      stops: this.#stops,
    };
  }

  /** Returns when the signal is aborted and the thread is gone. */
  async run(signal: AbortSignal): Promise<void> {
    const { file, clock } = this.#options;
    for await (const _hash of fileVersions(file, clock, signal)) {
      this.#cancelRestart?.();
      await this.#start();
      this.#firstLoad.resolve();
    }
    this.#firstLoad.resolve();
    this.#cancelRestart?.();
    await this.#starting;
    this.#cancelRestart?.();
    this.#retire();
    await Promise.all([...this.#threads].map((thread) => thread.stop('the scheduler ends')));
  }

  /** Resolves when the policy has decided, or can't. Pods are decided one after the other. */
  decide(queued: QueuedPod, pod: Pod): Promise<PolicyVerdict> {
    if (this.#instance === undefined) return Promise.resolve(this.#unavailable());
    return new Promise((resolve) => {
      this.#lane.push({ queued, pod, resolve });
      void this.#pump();
    });
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let next = this.#lane.pop(); next !== undefined; next = this.#lane.pop()) {
      next.resolve(await this.#ask(next.pod));
    }
    this.#isPumping = false;
  }

  async #ask(pod: Pod): Promise<PolicyVerdict> {
    const instance = this.#instance;
    if (instance === undefined) return this.#unavailable();
    const { worker, framework, subscription, permits } = instance;
    try {
      await subscription.flush();
      const snapshot = this.#options.host()?.snapshot();
      const nodes =
        snapshot === undefined ? undefined : volumeNodes(framework, snapshot, newPodInfo(pod));
      const outcome = await worker.decide(pod, nodes);
      this.#decisions += 1;
      if (outcome.kind === 'node') permits.set(pod.metadata.uid, outcome.waitingOn);
      const tieBreak = instance.facts.tieBreak ?? 'random';
      return { kind: 'decided', outcome, framework, tieBreak };
    } catch (error) {
      if (!(error instanceof PolicyStopped)) throw error;
      return { kind: 'unavailable', why: error.message };
    }
  }

  #unavailable(): PolicyVerdict {
    return { kind: 'unavailable', why: this.#problem ?? 'it is not loaded yet' };
  }

  /** One start at a time: the file may be saved again while the last version still loads. */
  #start(): Promise<void> {
    this.#starting = this.#starting.then(() => this.#startOne());
    return this.#starting;
  }

  async #startOne(): Promise<void> {
    const { file, seed, limits, clock, tell } = this.#options;
    const logger = this.#options.logger.with({ policy: this.#facts?.name ?? file });
    const startedMs = clock.monotonicMs();
    const onPermit = (message: PermitMessage): void => {
      const { action, uid, plugin, why } = message;
      if (action === 'allow') this.#options.host()?.allow(uid, plugin);
      else this.#options.host()?.reject(uid, plugin, why);
    };
    const worker = new PolicyWorker({ file, seed, limits, clock, logger, onPermit });
    this.#threads.add(worker);
    void worker.ended.then(() => this.#threads.delete(worker));
    let facts: PolicyFacts;
    try {
      facts = await worker.ready;
      const clash = this.#clash(facts);
      if (clash !== undefined) {
        await worker.stop(clash);
        throw new PolicyStopped(clash, true);
      }
    } catch (error) {
      if (!(error instanceof PolicyStopped)) throw error;
      this.#reject(error);
      return;
    }
    const isFirst = this.#facts === undefined;
    const isReload = this.#instance !== undefined;
    this.#retire();
    const permits: Instance['permits'] = new Map();
    const thread = {
      call: worker.call.bind(worker),
      over: (point: 'unreserve' | 'postBind', uid: string): void => {
        permits.delete(uid);
        worker.over(point, uid);
      },
      waitsMs: (uid: string, plugin: string) => permits.get(uid)?.get(plugin),
    };
    const profile = bindingProfile(facts, this.#options.defaults, thread);
    const framework = new Framework(facts.name, profile);
    const subscription = this.#options.feed.subscribe((changes) => worker.send(changes));
    const instance = { worker, facts, framework, subscription, permits };
    this.#facts = facts;
    this.#instance = instance;
    this.#state = 'running';
    this.#problem = undefined;
    void worker.ended.then((why) => this.#onEnd(instance, why, startedMs));
    if (isFirst) this.#options.host()?.adopt(facts.name);
    if (isFirst) tell('PolicyLoaded', `policy "${facts.name}" was loaded from ${file}`);
    else if (isReload)
      tell('PolicyReloaded', `policy "${facts.name}" was loaded anew from ${file}`);
    if (facts.ownPlugins.some(({ points }) => points.includes('less'))) {
      const text =
        'its "less" is not asked here: all profiles of a running scheduler share one queue';
      logger.warn('Policy has a QueueSort plugin', { text });
    }
  }

  #clash(facts: PolicyFacts): string | undefined {
    const { name } = this.#facts ?? facts;
    if (facts.name === name) return this.#options.clash(facts);
    return `"${name}" is called "${facts.name}" now: start the scheduler anew for that`;
  }

  /** A version that doesn't load: whatever works goes on. */
  #reject(error: PolicyStopped): void {
    this.#problem = error.message;
    const isKept = this.#instance !== undefined;
    if (!isKept) this.#state = 'broken';
    const name = this.#facts === undefined ? '' : `"${this.#facts.name}" `;
    const kept = isKept ? '; the version before stays at work' : '';
    this.#options.tell('PolicyBroken', `policy ${name}can't be loaded: ${error.message}${kept}`);
    if (!error.isBroken && !isKept) this.#restartLater();
  }

  /** The thread is gone. When that was not asked for, it is started again after a while. */
  #onEnd(instance: Instance, why: PolicyStopped, startedMs: number): void {
    instance.subscription.close();
    if (this.#instance !== instance) return;
    this.#instance = undefined;
    this.#state = 'stopped';
    this.#stops += 1;
    this.#problem = why.message;
    const { clock, tell } = this.#options;
    if (clock.monotonicMs() - startedMs > STEADY_MS) this.#backoff.reset('');
    const waitMs = this.#restartLater();
    const text = `policy "${instance.facts.name}" was stopped: ${why.message}`;
    tell('PolicyStopped', `${text}; it is started again in ${waitMs / 1000} s`);
  }

  #restartLater(): number {
    const waitMs = this.#backoff.next('');
    this.#cancelRestart?.();
    this.#cancelRestart = this.#options.clock.schedule(waitMs, () => void this.#start());
    return waitMs;
  }

  /** Takes the thread out of work; it may end the bindings that it takes part in. */
  #retire(): void {
    const old = this.#instance;
    if (old === undefined) return;
    this.#instance = undefined;
    const end = (): void => void old.worker.stop('a newer version has taken over');
    const cancel = this.#options.clock.schedule(DRAIN_MS, end);
    void old.worker.ended.then(cancel);
  }
}
