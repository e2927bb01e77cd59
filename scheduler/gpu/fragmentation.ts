/**
 * How much of a node's free GPUs is of no use to the pods that usually come. For a typical pod m it is
 * all of them when m cannot run on the node or wants no GPU, else the free parts that are smaller than
 * what m wants of one device; F is the mean over the typical pods, weighted by how many they are.
 *
 * Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
 * Gradient Descent", USENIX ATC 2023, section 4.
 */

import type { FreeGpus } from './gpu-devices.ts';
import type { GpuRequest } from './gpu-request.ts';

/** A class of pods, with its part (0 to 1) of all. */
export interface TypicalPod {
  readonly milliCpu: number;
  readonly gpu: GpuRequest;
  /** Models of GPU that will do; empty: any. */
  readonly models: readonly string[];
  readonly popularity: number;
}

/** Of a node: what matters to fragmentation. */
export interface NodeRoom {
  readonly milliCpu: number;
  readonly free: FreeGpus;
  readonly model: string;
}

/** Classes that differ in CPU only, from the least CPU on. */
interface Tier {
  readonly milliCpu: number;
  readonly popularity: number;
}

/** Typical pods that want the same of GPUs. */
interface GpuClass {
  readonly gpu: GpuRequest;
  readonly models: ReadonlySet<string>;
  readonly tiers: readonly Tier[];
  /** Of all tiers together. */
  readonly popularity: number;
}

/** F of a node, in thousandths of a GPU. */
export type Fragmentation = (room: NodeRoom) => number;

export function newFragmentation(typical: readonly TypicalPod[]): Fragmentation {
  const groups = Map.groupBy(typical, ({ gpu, models }) =>
    [gpu.count, gpu.milli, ...models].join(),
  );
  const classes: GpuClass[] = [];
  /** Those that want no GPU: to them all of it is of no use. */
  let useless = 0;
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const popularity = group.reduce((sum, one) => sum + one.popularity, 0);
    if (first.gpu.count === 0) {
      useless += popularity;
      continue;
    }
    const tiers = group.toSorted((a, b) => a.milliCpu - b.milliCpu);
    classes.push({ gpu: first.gpu, models: new Set(first.models), tiers, popularity });
  }
  return ({ milliCpu, free, model }) => {
    let idle = 0;
    for (const left of free) idle += left;
    if (idle === 0) return 0;
    let total = useless * idle;
    for (const { gpu, models, tiers, popularity } of classes) {
      let [fitting, small] = [0, 0];
      for (const left of free) {
        if (left >= gpu.milli) fitting += 1;
        else small += left;
      }
      let able = 0;
      if (fitting >= gpu.count && (models.size === 0 || models.has(model))) {
        for (const tier of tiers) {
          if (tier.milliCpu > milliCpu) break;
          able += tier.popularity;
        }
      }
      total += able * small + (popularity - able) * idle;
    }
    return total;
  };
}

/** The most popular classes up to this part of all pods, as the paper takes them. */
export const TYPICAL_PART = 0.95;

/** Classes with how many pods each has; what they are is the caller's. Ties by order. */
export function typicalPods(
  classes: readonly (Omit<TypicalPod, 'popularity'> & { readonly pods: number })[],
  part: number = TYPICAL_PART,
): readonly TypicalPod[] {
  const merged = new Map<string, { pods: number; of: Omit<TypicalPod, 'popularity'> }>();
  let all = 0;
  for (const { pods, milliCpu, gpu, models } of classes) {
    const key = [milliCpu, gpu.count, gpu.milli, ...models].join();
    const entry = merged.get(key) ?? { pods: 0, of: { milliCpu, gpu, models } };
    entry.pods += pods;
    merged.set(key, entry);
    all += pods;
  }
  const sorted = [...merged.values()].sort((a, b) => b.pods - a.pods);
  const kept: (typeof sorted)[number][] = [];
  let sum = 0;
  for (const entry of sorted) {
    if (sum >= part * all) break;
    kept.push(entry);
    sum += entry.pods;
  }
  return kept.map(({ pods, of }) => ({ ...of, popularity: pods / sum }));
}

/** As the parameter `typicalPods` of a policy: `CPU/COUNT/MILLI/MODEL|MODEL/POPULARITY`, separated by `;`. */
export function formatTypicalPods(typical: readonly TypicalPod[]): string {
  return typical
    .map(({ milliCpu, gpu, models, popularity }) =>
      [milliCpu, gpu.count, gpu.milli, models.join('|'), popularity].join('/'),
    )
    .join(';');
}

/** Throws for a text that {@link formatTypicalPods} doesn't give. */
export function parseTypicalPods(text: string): readonly TypicalPod[] {
  if (text === '') return [];
  return text.split(';').map((entry) => {
    const [cpu, count, milli, models = '', popularity] = entry.split('/');
    const numbers = [cpu, count, milli, popularity].map((part) =>
      part === undefined || part === '' ? Number.NaN : Number(part),
    );
    if (numbers.some((number) => !(number >= 0))) {
      throw new Error(`"${entry}" is no typical pod such as 4000/1/500/V100|T4/0.25`);
    }
    const [milliCpu = 0, gpuCount = 0, gpuMilli = 0, part = 0] = numbers;
    return {
      milliCpu,
      gpu: { count: gpuCount, milli: gpuMilli },
      models: models === '' ? [] : models.split('|'),
      popularity: part,
    };
  });
}
