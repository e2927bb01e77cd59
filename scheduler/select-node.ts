/**
 * Which of the nodes with the highest total is taken. Upstream has changed its mind: at random up
 * to 1.34; from 1.35 on what a heap over the list of nodes leaves on top (which is the first one
 * when all are equal). Here it is a choice, and nothing is random without a seed.
 *
 * Source: kubernetes pkg/scheduler/schedule_one.go, v1.36.
 */

/** `heap135` is upstream's of now; `random` is upstream's up to 1.34, from the given generator. */
export type TieBreak =
  | { readonly kind: 'first' }
  | { readonly kind: 'name' }
  | { readonly kind: 'heap135' }
  /** Numbers in [0, 1). */
  | { readonly kind: 'random'; readonly random: () => number };

/** The index of the chosen node. There is at least one. */
export function selectNode(
  names: readonly string[],
  totals: readonly number[],
  tieBreak: TieBreak,
): number {
  switch (tieBreak.kind) {
    case 'first':
      return best(totals, () => false);
    case 'name':
      return best(totals, (index, chosen) => (names[index] ?? '') < (names[chosen] ?? ''));
    case 'random': {
      // Reservoir sampling: each of n equal nodes is left with a chance of 1/n.
      let equals = 1;
      return best(
        totals,
        () => {
          equals += 1;
          return tieBreak.random() * equals < 1;
        },
        () => {
          equals = 1;
        },
      );
    }
    case 'heap135':
      return heapRoot(totals);
  }
}

function best(
  totals: readonly number[],
  takesEqual: (index: number, chosen: number) => boolean,
  onHigher: () => void = () => undefined,
): number {
  let chosen = 0;
  for (let index = 1; index < totals.length; index += 1) {
    const total = totals[index] ?? 0;
    const highest = totals[chosen] ?? 0;
    if (total > highest) {
      chosen = index;
      onHigher();
    } else if (total === highest && takesEqual(index, chosen)) chosen = index;
  }
  return chosen;
}

/** The root of a binary max-heap that is built in place; nodes move only when strictly better. */
function heapRoot(totals: readonly number[]): number {
  const heap = Int32Array.from(totals, (_, index) => index);
  const totalAt = (position: number): number =>
    totals[heap[position] ?? totals.length] ?? Number.NEGATIVE_INFINITY;
  for (let start = Math.floor(heap.length / 2) - 1; start >= 0; start -= 1) {
    let position = start;
    for (;;) {
      const left = 2 * position + 1;
      if (left >= heap.length) break;
      const child = totalAt(left + 1) > totalAt(left) ? left + 1 : left;
      if (totalAt(child) <= totalAt(position)) break;
      const above = heap[position] ?? 0;
      heap[position] = heap[child] ?? 0;
      heap[child] = above;
      position = child;
    }
  }
  return heap[0] ?? 0;
}
