/**
 * Gives a service its address in the cluster, and node ports. What is taken is told from the services
 * in the watch cache, and from what this process has given out in the last moments, since the cache
 * lags. Several API servers can therefore give the same address out at the same instant; the range
 * is large and the choice random.
 *
 * The lower part of the range is left to services that name their address.
 * Source: kubernetes pkg/registry/core/service/storage/alloc.go, ipallocator, v1.36; KEP-3070.
 */

import type { Clock } from '../../../base/clock.ts';
import type { Service, ServiceSpec } from '../../../proto/api/gen/core-v1.ts';
import { services } from '../../../proto/api/gen/resources.ts';
import { internalError, invalid } from '../../../proto/api/status-error.ts';
import { invalidField } from '../../../proto/api/validation.ts';
import type { ObjectAccess } from '../../registry/object-access.ts';
import type { Editable } from '../../registry/strategies/define-strategy.ts';
import { keepAllocations } from '../../registry/strategies/services/keep-allocations.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { isOf } from '../refusal.ts';
import { type AddressRange, parseRange } from './address-range.ts';

/** How long what was given out counts as taken before the cache must have heard of it. */
const PENDING_MS = 30_000;
const NODE_PORT_MIN = 30_000;
const NODE_PORT_MAX = 32_767;

export class ServiceAllocation implements AdmissionPlugin {
  readonly name = 'ServiceAllocation';
  readonly #range: AddressRange;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** Address, or node port with protocol -> when it stops to count, in monotonic ms. */
  readonly #pending = new Map<string, number>();

  /** `random` gives numbers in [0, 1). */
  constructor(serviceCidr: string, clock: Clock, random: () => number) {
    this.#range = parseRange(serviceCidr);
    this.#clock = clock;
    this.#random = random;
  }

  mutate(attributes: AdmissionAttributes, objects: ObjectAccess): void {
    const { object, operation } = attributes;
    const isWrite = operation === 'CREATE' || operation === 'UPDATE';
    if (!isWrite || !isOf(attributes, services) || object?.spec === undefined) return;
    // The schema has checked the types of the service's fields.
    const spec = object.spec as unknown as Editable<ServiceSpec>;
    const old = attributes.oldObject as unknown as Service | undefined;
    if (spec.type === 'ExternalName') return;
    keepAllocations(spec, old?.spec);
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    const others = objects
      .peekAll(services)
      .filter((one) => one.metadata.uid !== old?.metadata.uid)
      .map((one) => one.spec as unknown as ServiceSpec);
    this.#dropPending(others);
    const fail = (field: string, value: unknown, why: string) =>
      invalid({ group: '', kind: 'Service' }, object.metadata.name, [
        invalidField(field, value, why),
      ]);
    this.#allocateAddress(spec, old?.spec, others, attributes.dryRun, fail);
    this.#allocateNodePorts(spec, old?.spec, others, attributes.dryRun, fail);
  }

  #allocateAddress(
    spec: Editable<ServiceSpec>,
    old: ServiceSpec | undefined,
    others: readonly ServiceSpec[],
    dryRun: boolean,
    fail: Failure,
  ): void {
    const asked = spec.clusterIP || spec.clusterIPs?.[0] || '';
    if (asked === 'None' || (asked !== '' && asked === old?.clusterIP)) return;
    const taken = new Set(others.flatMap(({ clusterIPs = [] }) => clusterIPs));
    const isTaken = (ip: string) => taken.has(ip) || this.#pending.has(ip);
    const ip = asked === '' ? this.#choose(isTaken) : asked;
    if (asked !== '') this.#checkAsked(asked, isTaken, fail);
    spec.clusterIP = ip;
    spec.clusterIPs = [ip];
    if (!dryRun) this.#reserve(ip);
  }

  #checkAsked(ip: string, isTaken: (ip: string) => boolean, fail: Failure): void {
    if (!this.#range.isAddress(ip)) return; // The validation of the service says what is wrong.
    if (!this.#range.contains(ip)) {
      const why = `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${this.#range.text}`;
      throw fail('spec.clusterIPs', [ip], why);
    }
    if (!isTaken(ip)) return;
    const why = `failed to allocate IP ${ip}: provided IP is already allocated`;
    throw fail('spec.clusterIPs', [ip], why);
  }

  #choose(isTaken: (ip: string) => boolean): string {
    for (const [first, count] of this.#range.bands) {
      const start = Math.floor(this.#random() * count);
      for (let step = 0; step < count; step += 1) {
        const ip = this.#range.at(first + ((start + step) % count));
        if (!isTaken(ip)) return ip;
      }
    }
    throw internalError(new Error('failed to allocate a serviceIP: range is full'));
  }

  #allocateNodePorts(
    spec: Editable<ServiceSpec>,
    old: ServiceSpec | undefined,
    others: readonly ServiceSpec[],
    dryRun: boolean,
    fail: Failure,
  ): void {
    const isBalanced = spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
    if (spec.type !== 'NodePort' && !isBalanced) return;
    const taken = new Set(others.flatMap(nodePortsOf));
    const own = new Set(old === undefined ? [] : nodePortsOf(old));
    for (const [index, port] of (spec.ports ?? []).entries()) {
      const protocol = port.protocol ?? 'TCP';
      const isTaken = (key: string) => taken.has(key) || this.#pending.has(key);
      const asked = port.nodePort ?? 0;
      const field = `spec.ports[${index}].nodePort`;
      if (own.has(`${protocol}/${asked}`)) continue;
      if (asked !== 0 && (asked < NODE_PORT_MIN || asked > NODE_PORT_MAX)) {
        const why = `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_MIN}-${NODE_PORT_MAX}`;
        throw fail(field, asked, why);
      }
      if (asked !== 0 && isTaken(`${protocol}/${asked}`)) {
        throw fail(field, asked, 'provided port is already allocated');
      }
      const chosen = asked === 0 ? this.#choosePort(protocol, isTaken) : asked;
      port.nodePort = chosen;
      taken.add(`${protocol}/${chosen}`);
      if (!dryRun) this.#reserve(`${protocol}/${chosen}`);
    }
  }

  #choosePort(protocol: string, isTaken: (key: string) => boolean): number {
    const count = NODE_PORT_MAX - NODE_PORT_MIN + 1;
    const start = Math.floor(this.#random() * count);
    for (let step = 0; step < count; step += 1) {
      const port = NODE_PORT_MIN + ((start + step) % count);
      if (!isTaken(`${protocol}/${port}`)) return port;
    }
    throw internalError(new Error('failed to allocate a nodePort: range is full'));
  }

  #reserve(key: string): void {
    this.#pending.set(key, this.#clock.monotonicMs() + PENDING_MS);
  }

  /** Forgets what the cache knows by now, and what was never stored. */
  #dropPending(others: readonly ServiceSpec[]): void {
    for (const { clusterIPs = [] } of others) for (const ip of clusterIPs) this.#pending.delete(ip);
    for (const key of others.flatMap(nodePortsOf)) this.#pending.delete(key);
    const now = this.#clock.monotonicMs();
    for (const [key, endMs] of this.#pending) if (endMs <= now) this.#pending.delete(key);
  }
}

type Failure = (field: string, value: unknown, why: string) => Error;

function nodePortsOf(spec: ServiceSpec): string[] {
  return (spec.ports ?? [])
    .filter(({ nodePort = 0 }) => nodePort > 0)
    .map(({ protocol = 'TCP', nodePort }) => `${protocol}/${nodePort}`);
}
