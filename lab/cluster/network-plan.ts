/**
 * The network of a lab as commands for `ip -batch`, in the order to run them. Pure; network.ts runs
 * them.
 *
 *   host ──veth── [ skiff-NAME: bridge lab0 10.X.0.1 ]──veth── [ skiff-NAME-node-1: eth0 10.X.0.11 ]
 *                                                  └───veth── [ skiff-NAME-node-2: eth0 10.X.0.12 ]
 *
 * The host reaches nodes and pods through 10.X.0.1; nodes reach each other's pods by the routes
 * that the agents keep.
 */

import {
  controlAddress,
  controlNetns,
  hostAddress,
  hostInterface,
  type LabSpec,
  type NodeSpec,
  nodeAddress,
  nodeNetns,
  podCidr,
} from './lab-spec.ts';

/** Lines for one `ip -batch`, run in a network namespace (absent: the host's). */
export interface IpBatch {
  readonly netns: string | undefined;
  readonly lines: readonly string[];
}

/** Makes namespaces, bridge, veth pairs, addresses and routes of a new lab. */
export function networkPlan(spec: LabSpec): readonly IpBatch[] {
  const control = controlNetns(spec);
  const host = hostInterface(spec.name);
  return [
    {
      netns: undefined,
      lines: [
        `netns add ${control}`,
        ...spec.nodes.map((node) => `netns add ${nodeNetns(spec, node.name)}`),
        `link add ${host} type veth peer name host netns ${control}`,
        `address add ${hostAddress(spec)}/24 dev ${host}`,
        `link set ${host} up`,
        `route add 10.${spec.subnet}.0.0/16 via ${controlAddress(spec)} dev ${host}`,
      ],
    },
    {
      netns: control,
      lines: [
        'link set lo up',
        'link add lab0 type bridge forward_delay 0',
        `address add ${controlAddress(spec)}/24 dev lab0`,
        'link set lab0 up',
        'link set host master lab0 up',
        ...spec.nodes.flatMap((node) => [
          `link add ${node.name} type veth peer name eth0 netns ${nodeNetns(spec, node.name)}`,
          `link set ${node.name} master lab0 up`,
        ]),
        ...spec.nodes.map((node) => podRoute(spec, node)),
      ],
    },
    ...spec.nodes.map((node) => ({
      netns: nodeNetns(spec, node.name),
      lines: [
        'link set lo up',
        `address add ${nodeAddress(spec, node)}/24 dev eth0`,
        'link set eth0 up',
        `route add default via ${controlAddress(spec)}`,
      ],
    })),
  ];
}

/** What a namespace's kernel needs to pass packets on, and to be quick: file and value. */
export function forwardingSysctls(): readonly (readonly [string, string])[] {
  return [
    ['/proc/sys/net/ipv4/ip_forward', '1'],
    // Pods are reached through 10.X.0.1 and answer directly: that is not an error to tell.
    ['/proc/sys/net/ipv4/conf/all/send_redirects', '0'],
    ['/proc/sys/net/ipv4/conf/default/send_redirects', '0'],
    // No IPv6: duplicate address detection would delay every new interface by a second.
    ['/proc/sys/net/ipv6/conf/all/disable_ipv6', '1'],
    ['/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'],
  ];
}

function podRoute(spec: LabSpec, node: NodeSpec): string {
  return `route add ${podCidr(spec, node)} via ${nodeAddress(spec, node)}`;
}
