/** The files every container of a pod sees, made once for the sandbox: hostname, hosts, resolv.conf. */

import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DnsConfig } from '../../../proto/cri/types.ts';

const HOST_RESOLV_CONF = '/etc/resolv.conf';
const HOST_HOSTS = '/etc/hosts';
const MODE = 0o644;

export interface PodFilesInput {
  readonly folder: string;
  /** Empty: the node's. */
  readonly hostname: string;
  /** Empty on the node's network: the node's hosts file is copied. */
  readonly ip: string;
  /** Absent: the node's resolv.conf is copied. */
  readonly dns: DnsConfig | null;
}

/** Writes them again when they are there. */
export function writePodFiles(input: PodFilesInput): void {
  const { folder, hostname, ip, dns } = input;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  if (hostname !== '') write(file('hostname'), `${hostname}\n`);
  if (ip !== '') {
    write(
      file('hosts'),
      `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n${ip}\t${hostname}\n`,
    );
  } else copy(HOST_HOSTS, file('hosts'));
  if (dns === null) copy(HOST_RESOLV_CONF, file('resolv.conf'));
  else write(file('resolv.conf'), resolvConf(dns));
}

/** Target in the container -> source. */
export function podFileMounts(folder: string): ReadonlyMap<string, string> {
  const names = ['hostname', 'hosts', 'resolv.conf'];
  const there = names.filter((name) => existsSync(path.join(folder, name)));
  return new Map(there.map((name) => [`/etc/${name}`, path.join(folder, name)]));
}

export function removePodFiles(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Source: resolv.conf(5). */
export function resolvConf({ servers, searches, options }: DnsConfig): string {
  const lines = servers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.push(`search ${searches.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return lines.map((line) => `${line.replaceAll('\n', ' ')}\n`).join('');
}

function write(file: string, text: string): void {
  writeFileSync(file, text, { mode: MODE });
  chmodSync(file, MODE);
}

function copy(from: string, to: string): void {
  if (existsSync(from)) copyFileSync(from, to);
  else writeFileSync(to, '');
  chmodSync(to, MODE);
}
