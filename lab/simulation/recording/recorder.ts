/**
 * Makes a recording of what informers tell of a cluster. Pure: what happened, and when, in; the
 * recording out. Only what decisions depend on is kept of an object.
 */

import type { Container, Node, Pod, PodSpec } from '../../../proto/api/gen/core-v1.ts';
import type { Requirement } from '../../../proto/api/label-selector.ts';
import { keyOf } from '../../../proto/api/meta.ts';
import type { PodTemplate } from '../engine/scenario.ts';
import { nodesFromObjects } from '../workload/nodes-of.ts';
import { PEERS_ANNOTATION } from '../workload/recorded-peers.ts';
import {
  RECORDING_HEAD,
  type RecordedNodeEvent,
  type RecordedPod,
  type Recording,
} from './recording.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What selects the pods that this one is to be spread among; undefined: nothing does. */
export type PeersOf = (pod: Pod) => readonly Requirement[] | undefined;

export class Recorder {
  readonly #peersOf: PeersOf;
  /** As last seen, as text; absent: gone. */
  readonly #present = new Map<string, string>();
  readonly #nodes = new Map<string, Node>();
  readonly #nodeEvents: RecordedNodeEvent[] = [];
  readonly #templates: PodTemplate[] = [];
  readonly #templateIndex = new Map<string, number>();
  /** By uid. */
  readonly #pods = new Map<string, Writable<RecordedPod>>();

  constructor(peersOf: PeersOf) {
    this.#peersOf = peersOf;
  }

  /** Added or changed. One without resources isn't a node yet. */
  seeNode(object: Node, atMs: number): void {
    if (object.status?.allocatable?.cpu === undefined) return;
    const [node] = nodesFromObjects([object]);
    if (node === undefined) return;
    const { name } = node.metadata;
    const text = JSON.stringify(node);
    const before = this.#present.get(name);
    if (before === text) return;
    this.#present.set(name, text);
    if (this.#nodes.has(name) || atMs > 0) this.#nodeEvents.push({ atMs, name, node });
    if (!this.#nodes.has(name)) this.#nodes.set(name, node);
  }

  loseNode(name: string, atMs: number): void {
    if (this.#present.delete(name)) this.#nodeEvents.push({ atMs, name });
  }

  /** Added or changed. */
  seePod(pod: Pod, atMs: number): void {
    const { uid } = pod.metadata;
    const nodeName = pod.spec.nodeName ?? '';
    const isOver = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    const known = this.#pods.get(uid);
    if (known === undefined) {
      if (isOver) return;
      const isPlaced = nodeName !== '';
      this.#pods.set(uid, {
        name: keyOf(pod),
        template: this.#templateOf(pod),
        arrivalMs: atMs,
        ...(isPlaced ? { node: nodeName, boundMs: atMs } : {}),
        isPlaced,
      });
      return;
    }
    if (nodeName !== '' && known.node === undefined) {
      known.node = nodeName;
      known.boundMs = atMs;
    }
    if (isOver) known.endMs ??= atMs;
  }

  losePod({ metadata }: Pod, atMs: number): void {
    const known = this.#pods.get(metadata.uid);
    if (known !== undefined) known.endMs ??= atMs;
  }

  take(startedAt: string, durationMs: number): Recording {
    return {
      ...RECORDING_HEAD,
      startedAt,
      durationMs,
      nodes: [...this.#nodes.values()],
      nodeEvents: this.#nodeEvents,
      templates: this.#templates,
      pods: [...this.#pods.values()],
    };
  }

  #templateOf(pod: Pod): number {
    const peers = this.#peersOf(pod);
    const { namespace = 'default', labels = {} } = pod.metadata;
    const metadata = {
      ...{ name: '', namespace, uid: '', resourceVersion: '', creationTimestamp: '', labels },
      ...(peers === undefined
        ? {}
        : { annotations: { [PEERS_ANNOTATION]: JSON.stringify(peers) } }),
    };
    const template = { metadata, spec: leanSpec(pod.spec) };
    const text = JSON.stringify(template);
    const known = this.#templateIndex.get(text);
    if (known !== undefined) return known;
    this.#templateIndex.set(text, this.#templates.length);
    this.#templates.push(template);
    return this.#templates.length - 1;
  }
}

/** What filters and scores read. Left out: volumes, scheduling gates, what containers do. */
const SPEC_FIELDS = [
  'affinity',
  'hostNetwork',
  'nodeSelector',
  'overhead',
  'preemptionPolicy',
  'priority',
  'priorityClassName',
  'resources',
  'schedulerName',
  'tolerations',
  'topologySpreadConstraints',
] as const satisfies readonly (keyof PodSpec)[];

function leanSpec(spec: PodSpec): PodSpec {
  const kept = SPEC_FIELDS.flatMap((name) =>
    spec[name] === undefined ? [] : [[name, spec[name]]],
  );
  const { containers, initContainers } = spec;
  return {
    ...(Object.fromEntries(kept) as Partial<PodSpec>),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(leanContainer) }),
    containers: containers.map(leanContainer),
  };
}

function leanContainer({ name, image, resources, ports, restartPolicy }: Container): Container {
  return {
    name,
    ...(image === undefined ? {} : { image }),
    ...(resources === undefined ? {} : { resources }),
    ...(ports === undefined ? {} : { ports }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  };
}
