/** The placement bound: never below the best placement that a search over all finds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { gapClosed } from '../../../../lab/simulation/bounds/gap-closed.ts';
import {
  fits,
  gpuWorth,
  type NodeKind,
  type PodClass,
  placementBound,
} from '../../../../lab/simulation/bounds/placement-bound.ts';

const anywhere = (): boolean => true;

function gpuPods(count: number, gpus: number, milli: number): PodClass {
  return { count, requests: { cpu: 1 }, gpu: { count: gpus, milli }, mayUse: anywhere };
}

function gpuNodes(count: number, gpus: number, cpu = 100): NodeKind {
  return { count, capacity: { cpu }, gpus, labels: {} };
}

describe('placementBound', () => {
  const boundOf = async (nodes: readonly NodeKind[], pods: readonly PodClass[]) =>
    (await placementBound(nodes, pods, gpuWorth)).bound;
  const near = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

  it('is all that is asked for when it fits', async () => {
    near(await boundOf([gpuNodes(2, 4)], [gpuPods(3, 1, 500), gpuPods(1, 2, 1000)]), 3.5);
  });

  it('knows that pieces above a half do not share a GPU', async () => {
    near(await boundOf([gpuNodes(2, 2)], [gpuPods(9, 1, 600)]), 2.4);
  });

  it('knows that a pod of several GPUs needs them on one node', async () => {
    near(await boundOf([gpuNodes(2, 4)], [gpuPods(4, 3, 1000)]), 6);
    near(await boundOf([gpuNodes(4, 1)], [gpuPods(2, 2, 1000)]), 0);
  });

  it('is held back by the other resources, and by selectors', async () => {
    near(await boundOf([gpuNodes(1, 8, 3)], [gpuPods(8, 1, 1000)]), 3);
    const picky = {
      ...gpuPods(8, 1, 1000),
      mayUse: ({ labels }: NodeKind) => labels.model === 'A',
    };
    near(await boundOf([gpuNodes(1, 8)], [picky]), 0);
  });

  it('says 0 of no nodes or no pods', async () => {
    near(await boundOf([], [gpuPods(1, 1, 10)]), 0);
    near(await boundOf([gpuNodes(1, 1)], []), 0);
  });

  it('is never below the best placement', async () => {
    const pod = fc.record({
      cpu: fc.integer({ min: 0, max: 6 }),
      gpu: fc.constantFrom(
        { count: 0, milli: 0 },
        { count: 1, milli: 300 },
        { count: 1, milli: 450 },
        { count: 1, milli: 600 },
        { count: 1, milli: 1000 },
        { count: 2, milli: 1000 },
      ),
    });
    const node = fc.record({
      cpu: fc.integer({ min: 2, max: 12 }),
      gpus: fc.integer({ min: 0, max: 2 }),
    });
    const instance = fc.record({
      pods: fc.array(pod, { minLength: 1, maxLength: 6 }),
      nodes: fc.array(node, { minLength: 1, maxLength: 3 }),
    });
    let tight = 0;
    await fc.assert(
      fc.asyncProperty(instance, async (drawn) => {
        const nodes = drawn.nodes.map(({ cpu, gpus }) => gpuNodes(1, gpus, cpu));
        const pods = drawn.pods.map(({ cpu, gpu }) => ({
          count: 1,
          requests: { cpu },
          gpu,
          mayUse: anywhere,
        }));
        for (const worth of [gpuWorth, (one: PodClass) => one.requests.cpu ?? 0]) {
          const best = bestPlacement(nodes, pods, worth);
          const { bound } = await placementBound(nodes, pods, worth);
          assert.ok(bound >= best - 1e-9, `bound ${bound}, best ${best}`);
          if (bound <= best + 1e-6) tight += 1;
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(tight > 30, `the bound is reached in ${tight} of 120 cases only`);
  });
});

describe('gapClosed', () => {
  it('is the way from random to the bound', () => {
    assert.equal(gapClosed({ policy: 95, random: 85, bound: 97.5 }), 0.8);
    assert.equal(gapClosed({ policy: 1, random: 1, bound: 1 }), undefined);
  });
});

/** Tries every node and every GPU for every pod, and leaving it out. */
function bestPlacement(
  nodes: readonly NodeKind[],
  pods: readonly PodClass[],
  worth: (pod: PodClass) => number,
): number {
  const cpu = nodes.map(({ capacity }) => capacity.cpu ?? 0);
  const gpus = nodes.map((node) => new Array<number>(node.gpus).fill(1000));
  let best = 0;
  const place = (index: number, total: number): void => {
    best = Math.max(best, total);
    const pod = pods[index];
    if (pod === undefined) return;
    place(index + 1, total);
    const need = pod.requests.cpu ?? 0;
    for (const [n, node] of nodes.entries()) {
      if (!fits(pod, node) || (cpu[n] ?? 0) < need) continue;
      for (const chosen of choices(gpus[n] ?? [], pod)) {
        cpu[n] = (cpu[n] ?? 0) - need;
        const free = gpus[n] ?? [];
        for (const g of chosen) free[g] = (free[g] ?? 0) - pod.gpu.milli;
        place(index + 1, total + worth(pod));
        for (const g of chosen) free[g] = (free[g] ?? 0) + pod.gpu.milli;
        cpu[n] = (cpu[n] ?? 0) + need;
      }
    }
  };
  place(0, 0);
  return best;
}

function choices(free: readonly number[], pod: PodClass): readonly (readonly number[])[] {
  if (pod.gpu.count === 0) return [[]];
  const open = [...free.keys()].filter((g) => (free[g] ?? 0) >= pod.gpu.milli);
  if (pod.gpu.count === 1) return open.map((g) => [g]);
  return open.length >= pod.gpu.count ? [open.slice(0, pod.gpu.count)] : [];
}
