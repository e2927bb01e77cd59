/** The pods of a scenario as the API would show them, with what follows from their class computed once. */

import { newPodInfo, type PodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { PodTemplate, Scenario } from './scenario.ts';

export class ScenarioPods {
  readonly #scenario: Scenario;
  readonly #infos: readonly PodInfo[];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#infos = scenario.templates.map((template) => newPodInfo(podOf(template, 'template', '')));
  }

  /** A pod that starts again is another pod of the same name. */
  info(pod: number, incarnation: number, nominatedNodeName = ''): PodInfo {
    const { arrivals, templates } = this.#scenario;
    const podClass = arrivals.podClass[pod] ?? 0;
    const [info, template] = [this.#infos[podClass], templates[podClass]];
    if (info === undefined || template === undefined) throw new RangeError(`No pod ${pod}`);
    const uid = uidOfPod(pod, incarnation);
    return { ...info, pod: podOf(template, arrivals.podNames[pod] ?? '', uid, nominatedNodeName) };
  }

  /** What its class asks for, in the order of the scenario's resources. */
  requests(pod: number): readonly number[] {
    const { arrivals } = this.#scenario;
    return arrivals.podClasses[arrivals.podClass[pod] ?? 0]?.requests ?? [];
  }
}

export function uidOfPod(pod: number, incarnation: number): string {
  return `${pod}/${incarnation}`;
}

/** The index of the pod with this uid. */
export function podOfUid(uid: string): number {
  return Number.parseInt(uid, 10);
}

function podOf(
  { metadata, spec }: PodTemplate,
  name: string,
  uid: string,
  nominatedNodeName = '',
): PodInfo['pod'] {
  const status = nominatedNodeName === '' ? {} : { nominatedNodeName };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, uid }, spec, status };
}
