/**
 * On which nodes a pod's volumes can be had. The plugins for volumes look at objects that only the
 * scheduler's own thread keeps; a policy's thread is told their verdict with the pod.
 */

import type { Volume } from '../../proto/api/gen/core-v1.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import { CycleState } from '../framework/cycle-state.ts';
import type { Framework } from '../framework/framework.ts';
import type { Plugin } from '../framework/plugin.ts';

export const VOLUME_PLUGINS: ReadonlySet<string> = new Set([
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
]);

/** The plugin that stands for them in the policy's thread. */
export const VOLUME_NODES = 'VolumeNodes';

/** Volumes that every node can have. */
const EVERYWHERE: ReadonlySet<string> = new Set([
  'name',
  'configMap',
  'downwardAPI',
  'emptyDir',
  'hostPath',
  'projected',
  'secret',
]);

/** Names of nodes; undefined: the pod has no volumes that bind it to any. */
export function volumeNodes(
  framework: Framework,
  snapshot: Snapshot,
  pod: PodInfo,
): readonly string[] | undefined {
  if (!(pod.pod.spec.volumes ?? []).some(isBinding)) return undefined;
  const state = new CycleState();
  const asked: Plugin[] = [];
  let nodes: readonly NodeInfo[] = snapshot.nodes;
  for (const plugin of framework.plugins.filter(({ name }) => VOLUME_PLUGINS.has(name))) {
    const { status, nodeNames } = plugin.preFilter?.(state, pod, snapshot) ?? {};
    if (status?.code === 'Skip') continue;
    if (status !== undefined) return [];
    if (nodeNames !== undefined) nodes = nodes.filter(({ name }) => nodeNames.has(name));
    asked.push(plugin);
  }
  const takes = (node: NodeInfo): boolean =>
    asked.every((plugin) => plugin.filter?.(state, pod, node) === undefined);
  return nodes.filter(takes).map(({ name }) => name);
}

function isBinding(volume: Volume): boolean {
  return Object.keys(volume).some((key) => !EVERYWHERE.has(key));
}
