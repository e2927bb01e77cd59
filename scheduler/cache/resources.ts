/**
 * Amounts of resources as plain numbers: CPU in thousandths, memory and ephemeral storage in bytes,
 * other resources (`hugepages-2Mi`, `example.com/gpu`) in units, by name.
 */

import { quantityToMilli, quantityValue } from '../../proto/api/quantity.ts';

/** Numbers are whole and exact up to 2^53: 8 PiB of memory times 100, as the scores need, fits. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  readonly scalars: ReadonlyMap<string, number>;
}

/** A sum that is kept up to date where it is. */
export interface MutableResources extends Resources {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  readonly scalars: Map<string, number>;
}

/** A `ResourceList` of the API. */
export type ResourceList = Readonly<Record<string, string>>;

const NO_SCALARS: ReadonlyMap<string, number> = new Map();

export const NO_RESOURCES: Resources = {
  milliCpu: 0,
  memory: 0,
  ephemeralStorage: 0,
  scalars: NO_SCALARS,
};

export function newSum(): MutableResources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };
}

/** Reads the quantities of a list; `pods` isn't among the scalars. */
export function resourcesOf(list: ResourceList | undefined): Resources {
  if (list === undefined) return NO_RESOURCES;
  let milliCpu = 0;
  let memory = 0;
  let ephemeralStorage = 0;
  let scalars: Map<string, number> | undefined;
  for (const [name, quantity] of Object.entries(list)) {
    switch (name) {
      case 'cpu':
        milliCpu = quantityToMilli(quantity);
        break;
      case 'memory':
        memory = quantityValue(quantity);
        break;
      case 'ephemeral-storage':
        ephemeralStorage = quantityValue(quantity);
        break;
      case 'pods':
        break;
      default:
        scalars ??= new Map();
        scalars.set(name, quantityValue(quantity));
    }
  }
  return { milliCpu, memory, ephemeralStorage, scalars: scalars ?? NO_SCALARS };
}

/** The same text for the same amounts. */
export function signResources(resources: Resources): string {
  const { milliCpu, memory, ephemeralStorage, scalars } = resources;
  const sign = `${milliCpu},${memory},${ephemeralStorage}`;
  return scalars.size === 0 ? sign : `${sign},${JSON.stringify([...scalars])}`;
}

export function addResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => x + y);
}

export function subtractResources(a: Resources, b: Resources): Resources {
  return combine(a, b, (x, y) => x - y);
}

/** The larger of each. */
export function maxResources(a: Resources, b: Resources): Resources {
  return combine(a, b, Math.max);
}

/** Of a resource by its name in the API. */
export function amountOf(resources: Resources, name: string): number {
  switch (name) {
    case 'cpu':
      return resources.milliCpu;
    case 'memory':
      return resources.memory;
    case 'ephemeral-storage':
      return resources.ephemeralStorage;
    default:
      return resources.scalars.get(name) ?? 0;
  }
}

function combine(a: Resources, b: Resources, f: (x: number, y: number) => number): Resources {
  return {
    milliCpu: f(a.milliCpu, b.milliCpu),
    memory: f(a.memory, b.memory),
    ephemeralStorage: f(a.ephemeralStorage, b.ephemeralStorage),
    scalars: combineScalars(a.scalars, b.scalars, f),
  };
}

function combineScalars(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  f: (x: number, y: number) => number,
): ReadonlyMap<string, number> {
  if (a.size === 0 && b.size === 0) return NO_SCALARS;
  const result = new Map<string, number>();
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    result.set(name, f(a.get(name) ?? 0, b.get(name) ?? 0));
  }
  return result;
}
