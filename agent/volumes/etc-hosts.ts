/**
 * The /etc/hosts of a pod.
 *
 * Source: kubernetes pkg/kubelet/kubelet_pods.go `managedHostsFileContent`, v1.36.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { AgentPaths } from '../agent-paths.ts';
import { hostnameOf } from '../cri/sandbox-config.ts';

const HEAD = [
  '# Kubernetes-managed hosts file.',
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/** `clusterDomain` makes the full name of pods with a subdomain. */
export function etcHosts(pod: Pod, ips: readonly string[], clusterDomain: string): string {
  const host = hostnameOf(pod);
  const { subdomain, hostAliases = [] } = pod.spec;
  const domain = `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
  const names = subdomain === undefined || subdomain === '' ? host : `${host}.${domain}\t${host}`;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
  const extra = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases];
  return `${[...HEAD, ...ips.map((ip) => `${ip}\t${names}`), ...extra].join('\n')}\n`;
}

/**
 * Written over in place: containers have this file mounted. Synchronous, as all the small files of
 * a pod that starts: a thread's turn takes longer than the write.
 */
export function writeEtcHosts(
  paths: AgentPaths,
  pod: Pod,
  ips: readonly string[],
  clusterDomain: string,
): void {
  const file = paths.etcHosts(pod.metadata.uid);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, etcHosts(pod, ips, clusterDomain), { mode: 0o644 });
}
