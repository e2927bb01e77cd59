/**
 * The resolv.conf of a pod, by its dnsPolicy and dnsConfig.
 *
 * Source: kubernetes pkg/kubelet/network/dns/dns.go, v1.36.
 */

import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { DnsConfig } from '../../proto/cri/types.ts';
import { isHostNetwork } from './container-kinds.ts';

const SERVERS_MAX = 3;
const SEARCHES_MAX = 32;

export interface DnsInput {
  /** Empty: the cluster has no DNS, and ClusterFirst is as Default. */
  readonly clusterServers: readonly string[];
  readonly clusterDomain: string;
  /** What the node itself uses. */
  readonly host: DnsConfig;
}

/** Undefined: the runtime copies the host's file. */
export function podDns(pod: Pod, input: DnsInput): DnsConfig | undefined {
  const { dnsPolicy = 'ClusterFirst', dnsConfig } = pod.spec;
  const base = baseConfig(pod, dnsPolicy, input);
  if (dnsConfig === undefined) return base === input.host ? undefined : base;
  const options = (dnsConfig.options ?? []).map(({ name = '', value }) =>
    value === undefined ? name : `${name}:${value}`,
  );
  const names = new Set(options.map((option) => option.split(':')[0]));
  const kept = base.options.filter((option) => !names.has(option.split(':')[0]));
  return limited({
    servers: [...base.servers, ...(dnsConfig.nameservers ?? [])],
    searches: [...base.searches, ...(dnsConfig.searches ?? [])],
    options: [...kept, ...options],
  });
}

function baseConfig(pod: Pod, policy: string, input: DnsInput): DnsConfig {
  if (policy === 'None') return { servers: [], searches: [], options: [] };
  const hasCluster = input.clusterServers.length > 0;
  const first = policy === 'ClusterFirstWithHostNet' || !isHostNetwork(pod);
  if (policy === 'Default' || !hasCluster || !first) return input.host;
  const { clusterDomain: domain } = input;
  const own = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return limited({
    servers: input.clusterServers,
    searches: [...own, ...input.host.searches],
    options: ['ndots:5'],
  });
}

function limited({ servers, searches, options }: DnsConfig): DnsConfig {
  return {
    servers: [...new Set(servers)].slice(0, SERVERS_MAX),
    searches: [...new Set(searches)].slice(0, SEARCHES_MAX),
    options,
  };
}

/** Reads the text of a resolv.conf. */
export function parseResolvConf(text: string): DnsConfig {
  const fields = text.split('\n').map((line) => line.trim().split(/\s+/));
  const last = (keyword: string): readonly string[] =>
    fields.findLast(([word]) => word === keyword)?.slice(1) ?? [];
  const servers = fields.flatMap(([word, value]) =>
    word === 'nameserver' && value !== undefined ? [value] : [],
  );
  return { servers, searches: last('search'), options: last('options') };
}
