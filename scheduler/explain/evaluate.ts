/** Every objection of every filter to a pod, node by node; a decision stops at a node's first one. */

import type { Objection } from '../../proto/scheduler/explanation.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { CycleState } from '../framework/cycle-state.ts';
import type { Framework } from '../framework/framework.ts';
import type { Plugin } from '../framework/plugin.ts';
import { failed, type Status } from '../framework/status.ts';

/** The pod's cycle after PreFilter, ready to ask nodes. */
export interface Evaluation {
  readonly state: CycleState;
  /** Of any node of the snapshot, or of one like it that is changed in thought. */
  readonly objectionsOn: (node: NodeInfo) => readonly Objection[];
}

export function evaluate(framework: Framework, snapshot: Snapshot, pod: PodInfo): Evaluation {
  const state = new CycleState();
  const outcome = framework.preFilter(state, pod, snapshot);
  if (outcome.kind === 'rejected') {
    const objection = objectionOf(outcome.status.plugin ?? '', outcome.status);
    return { state, objectionsOn: () => [objection] };
  }
  const { allowed, narrowedBy } = outcome;
  const filters = filtersOf(framework);
  const narrowed: Objection = {
    plugin: narrowedBy[0] ?? '',
    reasons: [`node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`],
    isUnresolvable: true,
  };
  return {
    state,
    objectionsOn: (node) => {
      if (allowed !== undefined && !allowed.has(node.name)) return [narrowed];
      const objections: Objection[] = [];
      for (const plugin of filters) {
        if (state.skippedFilters.has(plugin.name)) continue;
        const status = ask(() => plugin.filter?.(state, pod, node));
        if (status !== undefined) objections.push(objectionOf(plugin.name, status));
      }
      return objections;
    },
  };
}

function filtersOf({ plugins, settings }: Framework): readonly Plugin[] {
  const enabled = settings.points?.filter;
  return plugins.filter(
    ({ name, filter }) => filter !== undefined && (enabled?.includes(name) ?? true),
  );
}

function ask(filter: () => Status | undefined): Status | undefined {
  try {
    return filter();
  } catch (error) {
    return failed(error);
  }
}

function objectionOf(plugin: string, { code, reasons }: Status): Objection {
  return { plugin, reasons, isUnresolvable: code === 'UnschedulableAndUnresolvable' };
}
