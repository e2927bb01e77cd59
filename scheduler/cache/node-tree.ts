/**
 * The order in which nodes are looked at: the first node of every zone, then the second, and so on;
 * zones in the order they were first seen, nodes in the order they came.
 *
 * Source: kubernetes pkg/scheduler/backend/cache/node_tree.go; component-helpers
 * node/topology/helpers.go, v0.36.
 */

import type { Node } from '../../proto/api/gen/core-v1.ts';

const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];
const REGION_LABELS = ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'];

/** Names only. */
export class NodeTree {
  readonly #zones = new Map<string, string[]>();
  readonly #zoneOf = new Map<string, string>();
  #order: readonly string[] | undefined;

  /** Adds a node, or moves it to the end of its new zone. */
  set(node: Node): void {
    const { name } = node.metadata;
    const zone = zoneKeyOf(node);
    if (this.#zoneOf.get(name) === zone) return;
    this.delete(name);
    this.#zoneOf.set(name, zone);
    const names = this.#zones.get(zone);
    if (names === undefined) this.#zones.set(zone, [name]);
    else names.push(name);
    this.#order = undefined;
  }

  delete(name: string): void {
    const zone = this.#zoneOf.get(name);
    if (zone === undefined) return;
    this.#zoneOf.delete(name);
    const names = this.#zones.get(zone)?.filter((other) => other !== name) ?? [];
    if (names.length === 0) this.#zones.delete(zone);
    else this.#zones.set(zone, names);
    this.#order = undefined;
  }

  /** The same array as long as no node comes or goes. */
  order(): readonly string[] {
    if (this.#order !== undefined) return this.#order;
    const zones = [...this.#zones.values()];
    const longest = Math.max(0, ...zones.map((names) => names.length));
    const order: string[] = [];
    for (let index = 0; index < longest; index += 1) {
      for (const names of zones) {
        const name = names[index];
        if (name !== undefined) order.push(name);
      }
    }
    this.#order = order;
    return order;
  }
}

function zoneKeyOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  const first = (names: readonly string[]): string => {
    const name = names.find((each) => labels[each] !== undefined);
    return name === undefined ? '' : (labels[name] ?? '');
  };
  return `${first(REGION_LABELS)}:\0:${first(ZONE_LABELS)}`;
}
