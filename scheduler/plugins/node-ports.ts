/** Only nodes where the pod's host ports are free. Source: upstream plugins/nodeports, v1.36. */

import { hostPortsOf, portsConflict } from '../cache/host-ports.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../cache/pod-info.ts';
import type { Plugin } from '../framework/plugin.ts';
import { SKIP, unschedulable } from '../framework/status.ts';

const TAKEN = "node(s) didn't have free ports for the requested pod ports";

export const nodePorts: Plugin = {
  name: 'NodePorts',
  events: [
    { kind: 'NodeAdd' },
    {
      kind: 'AssignedPodDelete',
      hint: (pod, { pod: gone }) => {
        const wanted = hostPortsOf(pod);
        const freed = gone === undefined ? [] : hostPortsOf(gone);
        return wanted.some((port) => freed.some((other) => portsConflict(port, other)));
      },
    },
  ],
  signPod: ({ hostPorts }) => (hostPorts.length === 0 ? '' : JSON.stringify(hostPorts)),
  preFilter: (_state, { hostPorts }) => (hostPorts.length === 0 ? { status: SKIP } : {}),
  filter: (_state, pod, node) => (isFree(pod, node) ? undefined : unschedulable(TAKEN)),
};

function isFree({ hostPorts }: PodInfo, node: NodeInfo): boolean {
  for (const { hostPorts: used } of node.pods.values()) {
    if (used.length === 0) continue;
    if (hostPorts.some((port) => used.some((other) => portsConflict(port, other)))) return false;
  }
  return true;
}
