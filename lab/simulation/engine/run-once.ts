/**
 * Mode `once`: pods are tried in the order in which they come, one time each; who finds no node is
 * dropped, and nobody leaves. The protocol of packing experiments: how much fits before nothing does.
 */

import type { RunState } from './run-state.ts';

/** Members of a group are tried when the last of those that must be there has come. */
export function runOnce(state: RunState): void {
  const { scenario, pods, core, meter, outcomes, shares } = state;
  const { arrivals } = scenario;
  const groups = new Map<number, number[]>();
  let unplaced = 0;
  let arrivedAmount = 0;
  for (let pod = 0; pod < arrivals.podNames.length && !core.isStopped; pod += 1) {
    const gang = arrivals.gang[pod] ?? -1;
    const group = gang === -1 ? [pod] : [...(groups.get(gang) ?? []), pod];
    if (gang !== -1) groups.set(gang, group);
    const needed = gang === -1 ? 1 : (arrivals.gangs[gang]?.minCount ?? 1);
    if (group.length === needed) {
      const placed = state.placeTogether(0, group, (one) => pods.info(one, 0));
      if (placed.kind === 'rejected') unplaced += group.length;
      else for (const [member, node] of placed.nodes) outcomes.start(member, node, 0);
    } else if (group.length > needed) {
      // The group stands: who comes later is on its own.
      const placed = state.placeTogether(0, [pod], (one) => pods.info(one, 0));
      if (placed.kind === 'rejected') unplaced += 1;
      else for (const [member, node] of placed.nodes) outcomes.start(member, node, 0);
    }
    arrivedAmount += pods.requests(pod)[state.axis] ?? 0;
    shares.arrived(arrivedAmount, () => ({
      allocated: scenario.resources.map((_, index) => meter.part(index)),
      fragmentation: state.fragmentation(),
      unplaced: unplaced / (pod + 1),
    }));
  }
}
