/**
 * Makes and removes the network of a lab with `ip`. The plan is network-plan.ts; removing the
 * namespaces removes everything in them.
 */

import { existsSync } from 'node:fs';
import { runTool } from '../run-tool.ts';
import { controlNetns, hostInterface, type LabSpec, nodeNetns } from './lab-spec.ts';
import { forwardingSysctls, networkPlan } from './network-plan.ts';

/** Throws with what `ip` said when a command fails; call {@link removeNetwork} then. */
export function makeNetwork(spec: LabSpec): void {
  const [host, ...inside] = networkPlan(spec);
  if (host !== undefined) runIp(undefined, host.lines);
  const sysctls = forwardingSysctls()
    .map(([file, value]) => `[ ! -e ${file} ] || echo ${value} > ${file}`)
    .join('\n');
  for (const batch of inside) {
    const netns = batch.netns ?? '';
    runTool('nsenter', [`--net=${netnsPath(netns)}`, 'sh', '-c', sysctls]);
    runIp(netns, batch.lines);
  }
}

/** Succeeds also when there is nothing, or only a part. */
export function removeNetwork(spec: {
  readonly name: string;
  readonly nodes: readonly { readonly name: string }[];
}): void {
  const namespaces = [...spec.nodes.map((node) => nodeNetns(spec, node.name)), controlNetns(spec)];
  // The pair goes first: the kernel destroys what is in a namespace some time after its removal.
  if (existsSync(`/sys/class/net/${hostInterface(spec.name)}`)) {
    runIp(undefined, [`link del ${hostInterface(spec.name)}`]);
  }
  const lines = namespaces
    .filter((name) => existsSync(netnsPath(name)))
    .map((name) => `netns del ${name}`);
  if (lines.length > 0) runIp(undefined, lines);
}

export function netnsPath(name: string): string {
  return `/run/netns/${name}`;
}

function runIp(netns: string | undefined, lines: readonly string[]): void {
  const scope = netns === undefined ? [] : ['-netns', netns];
  runTool('ip', [...scope, '-batch', '-'], `${lines.join('\n')}\n`);
}
