/**
 * The policies of a running scheduler: which pods are theirs, and where the scheduler asks for a
 * decision. What they do wrong goes into the log and into events.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { EventRecorder } from '../../client/event-recorder.ts';
import type { ObjectReference, Pod } from '../../proto/api/gen/core-v1.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { DEFAULT_SCHEDULER_NAME } from '../config/configuration.ts';
import type { Framework } from '../framework/framework.ts';
import type { ConfiguredPlugin } from '../framework/plugin.ts';
import type { QueuedPod } from '../queue/queued-pod.ts';
import type { ClusterFeed } from './cluster-feed.ts';
import {
  type PolicyEventReason,
  type PolicyState,
  type PolicyVerdict,
  SandboxedPolicy,
} from './sandboxed-policy.ts';
import type { PolicyFacts } from './worker/messages.ts';
import { WORKER_LIMITS, type WorkerLimits } from './worker/policy-worker.ts';

export interface PoliciesOptions {
  readonly files: readonly string[];
  readonly seed: number;
  readonly limits?: WorkerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly feed: ClusterFeed;
  readonly defaults: readonly ConfiguredPlugin[];
  /** Names of the scheduler's configured profiles. */
  readonly profiles: readonly string[];
}

/** Events about policies are events about the scheduler, as those of its leader election. */
const SCHEDULER: ObjectReference = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  namespace: 'kube-system',
  name: 'kube-scheduler',
};

/** What policies ask of the scheduler. */
export interface PolicyHost {
  /** Pods of this name are known to be somebody's: those that wait are to be queued. */
  adopt(schedulerName: string): void;
  /** A pod that waits at this Permit plugin may go on. */
  allow(uid: string, plugin: string): void;
  reject(uid: string, plugin: string, why: string): void;
  snapshot(): Snapshot;
}

/** A verdict, and whose it is. */
export type NamedVerdict = PolicyVerdict & { readonly policy: string };

export class Policies {
  readonly feed: ClusterFeed;
  readonly #options: PoliciesOptions;
  readonly #policies: readonly SandboxedPolicy[];
  #host: PolicyHost | undefined;

  constructor(options: PoliciesOptions) {
    this.#options = options;
    this.feed = options.feed;
    const { seed, clock, logger, feed, defaults, limits = WORKER_LIMITS } = options;
    const tell = (reason: PolicyEventReason, message: string): void => this.#tell(reason, message);
    const host = (): PolicyHost | undefined => this.#host;
    const common = { seed, clock, logger, feed, defaults, limits, tell, host };
    this.#policies = options.files.map((file) => {
      const clash = (facts: PolicyFacts): string | undefined => this.#clash(file, facts);
      return new SandboxedPolicy({ ...common, file, clash });
    });
  }

  /** Resolves when each has loaded, or has shown to be broken. */
  get loaded(): Promise<void> {
    return Promise.all(this.#policies.map(({ firstLoad }) => firstLoad)).then(() => undefined);
  }

  get states(): readonly PolicyState[] {
    return this.#policies.map(({ state }) => state);
  }

  /** Whether pods of this scheduler name are decided by a policy. */
  owns(schedulerName: string): boolean {
    return this.#find(schedulerName) !== undefined;
  }

  /** Undefined when the pod is no policy's. */
  decide(queued: QueuedPod, pod: Pod): Promise<NamedVerdict> | undefined {
    const policy = this.#find(pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME);
    const name = policy?.facts?.name ?? '';
    return policy?.decide(queued, pod).then((verdict) => ({ ...verdict, policy: name }));
  }

  /** What the scheduler's own thread does of the policy's profile; undefined: nothing is at work. */
  frameworkOf(schedulerName: string): Framework | undefined {
    return this.#find(schedulerName)?.framework;
  }

  /** Returns when the signal is aborted and all threads are gone. */
  async run(host: PolicyHost, signal: AbortSignal): Promise<void> {
    this.#host = host;
    await Promise.all(this.#policies.map((policy) => policy.run(signal)));
  }

  #clash(file: string, { name, replacesDefault }: PolicyFacts): string | undefined {
    if (this.#options.profiles.includes(name)) {
      return `"${name}" is the name of a profile of the configuration: name the policy otherwise`;
    }
    for (const { facts, state } of this.#policies) {
      if (facts === undefined || state.file === file) continue;
      if (facts.name === name) return `"${name}" is the name of the policy of ${state.file} too`;
      if (facts.replacesDefault === true && replacesDefault === true) {
        return `"${facts.name}" replaces the default scheduler already`;
      }
    }
    return undefined;
  }

  #find(schedulerName: string): SandboxedPolicy | undefined {
    return this.#policies.find(({ facts }) => {
      const isForDefault = facts?.replacesDefault === true;
      return (
        facts?.name === schedulerName || (isForDefault && schedulerName === DEFAULT_SCHEDULER_NAME)
      );
    });
  }

  #tell(reason: PolicyEventReason, message: string): void {
    const { logger, recorder } = this.#options;
    const isGood = reason === 'PolicyLoaded' || reason === 'PolicyReloaded';
    if (isGood) logger.info(LOG_TEXTS[reason], { detail: message });
    else logger.error(LOG_TEXTS[reason], { detail: message });
    recorder.record(SCHEDULER, isGood ? 'Normal' : 'Warning', reason, message);
  }
}

const LOG_TEXTS: Readonly<Record<PolicyEventReason, string>> = {
  PolicyLoaded: 'Loaded policy',
  PolicyReloaded: 'Loaded policy anew',
  PolicyBroken: 'Could not load policy',
  PolicyStopped: 'Stopped policy',
};
