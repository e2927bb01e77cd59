/**
 * All extenders of a configuration, asked one after the other as kube-scheduler asks them. One that is
 * ignorable may fail; any other failure is the cycle's, except of points, which nobody must give.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go findNodesThatPassExtenders, prioritizeNodes, v1.36.
 */

import type { Logger } from '../../base/logger.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { ExtenderConfiguration } from '../config/configuration.ts';
import { type Status, unresolvable, unschedulable } from '../framework/status.ts';
import type { Candidate } from '../plugins/default-preemption/select-candidate.ts';
import { Extender } from './extender.ts';
import type { PostJson } from './post-json.ts';

/** An extender's points go to 10, a plugin's to 100. */
const POINTS_FACTOR = 10;

export interface ExtendersOptions {
  readonly configurations: readonly ExtenderConfiguration[];
  readonly post: PostJson;
  readonly logger: Logger;
}

export class Extenders {
  readonly #extenders: readonly Extender[];
  readonly #logger: Logger;

  constructor({ configurations, post, logger }: ExtendersOptions) {
    this.#extenders = configurations.map((one) => new Extender(one, post));
    this.#logger = logger;
  }

  /** Whether any is to be asked about the pod before it is bound. */
  isInterested(pod: Pod): boolean {
    const verbs = ['filterVerb', 'prioritizeVerb', 'preemptVerb'] as const;
    return verbs.some((verb) => this.#with(verb, pod).length > 0);
  }

  get filtersOrPrioritizes(): boolean {
    return this.#extenders.some(
      ({ configuration: { filterVerb, prioritizeVerb } }) => filterVerb + prioritizeVerb !== '',
    );
  }

  /** The nodes that all leave; why they dropped others is added to `statuses`. */
  async filter(
    pod: Pod,
    nodes: readonly NodeInfo[],
    statuses: Map<string, Status>,
    signal: AbortSignal,
  ): Promise<readonly NodeInfo[]> {
    let feasible = nodes;
    for (const extender of this.#with('filterVerb', pod)) {
      if (feasible.length === 0) break;
      const asked = feasible;
      const verdict = await this.#ask(extender, () => extender.filter(pod, asked, signal));
      if (verdict === undefined) continue;
      for (const [name, why] of verdict.failed) statuses.set(name, unschedulable(why));
      for (const [name, why] of verdict.hopeless) statuses.set(name, unresolvable(why));
      feasible = verdict.feasible;
    }
    return feasible;
  }

  /** What they add to the total of each node. */
  async points(
    pod: Pod,
    nodes: readonly NodeInfo[],
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const asked = this.#with('prioritizeVerb', pod);
    const answers = await Promise.all(
      asked.map((extender) =>
        extender.prioritize(pod, nodes, signal).catch((error: unknown) => {
          const { urlPrefix } = extender.configuration;
          this.#logger.warn('An extender gives no points', { extender: urlPrefix, error });
          return new Map<string, number>();
        }),
      ),
    );
    return nodes.map(({ name }) => {
      const weighted = answers.map(
        (points, index) => (points.get(name) ?? 0) * (asked[index]?.configuration.weight ?? 0),
      );
      return weighted.reduce((sum, one) => sum + one, 0) * POINTS_FACTOR;
    });
  }

  async preempt(
    pod: Pod,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<readonly Candidate[]> {
    let left = candidates;
    for (const extender of this.#with('preemptVerb', pod)) {
      if (left.length === 0) break;
      const asked = left;
      left = (await this.#ask(extender, () => extender.preempt(pod, asked, signal))) ?? left;
    }
    return left;
  }

  /** Whether one of them has bound the pod. */
  async bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<boolean> {
    for (const extender of this.#with('bindVerb', pod)) {
      const done = await this.#ask(extender, async () => {
        await extender.bind(pod, nodeName, signal);
        return true;
      });
      if (done === true) return true;
    }
    return false;
  }

  #with(verb: 'filterVerb' | 'prioritizeVerb' | 'preemptVerb' | 'bindVerb', pod: Pod): Extender[] {
    return this.#extenders.filter(
      (extender) => extender.configuration[verb] !== '' && extender.isInterested(pod),
    );
  }

  /** Undefined when it has failed and that may be. */
  async #ask<T>(extender: Extender, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      const { ignorable, urlPrefix } = extender.configuration;
      if (!ignorable) throw error;
      this.#logger.warn('An extender is passed over', { extender: urlPrefix, error });
      return undefined;
    }
  }
}
