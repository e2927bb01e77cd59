/** The flags of `skiff apiserver`, checked; see docs/architecture.md. */

import { isIP } from 'node:net';
import type { parseArgs } from 'node:util';
import type { LogLevel } from '../base/logger.ts';
import type { StorageLocation } from './storage/open-storage.ts';

export const USAGE = `usage: skiff apiserver --pki-dir DIR (--data-dir DIR | --store etcd --etcd-endpoints URL,...)
  --bind-address IP        where to listen (127.0.0.1)
  --secure-port N          HTTPS port; 0 takes any free one (6443)
  --pki-dir DIR            keys and certificates; what is missing is made
  --tls-san NAME,...       more names and addresses for the server's certificate
  --store embedded|etcd    where objects are kept (embedded)
  --data-dir DIR           the embedded store's folder
  --etcd-endpoints URL,... the etcd cluster
  --service-cidr CIDR      where Services get their addresses (10.96.0.0/16)
  --log-level LEVEL        debug, info, warn or error (info)
`;

export interface ApiServerFlags {
  readonly bindAddress: string;
  readonly securePort: number;
  readonly pkiDir: string;
  readonly tlsSans: readonly string[];
  readonly storage: StorageLocation;
  readonly serviceCidr: string;
  readonly logLevel: LogLevel;
}

export type ParsedFlags =
  | { readonly kind: 'ok'; readonly options: ApiServerFlags }
  | { readonly kind: 'usage'; readonly problem: string };

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const OPTIONS = {
  'bind-address': { type: 'string', default: '127.0.0.1' },
  'secure-port': { type: 'string', default: '6443' },
  'pki-dir': { type: 'string' },
  'tls-san': { type: 'string', default: '' },
  store: { type: 'string', default: 'embedded' },
  'data-dir': { type: 'string' },
  'etcd-endpoints': { type: 'string', default: '' },
  'service-cidr': { type: 'string', default: '10.96.0.0/16' },
  'log-level': { type: 'string', default: 'info' },
} as const;

/** `parse` is parseArgs of node:util, whose errors are about the command line. */
export function parseFlags(args: readonly string[], parse: typeof parseArgs): ParsedFlags {
  try {
    const { values } = parse({ args: [...args], options: OPTIONS, allowPositionals: false });
    return { kind: 'ok', options: checked(values) };
  } catch (error) {
    return { kind: 'usage', problem: error instanceof Error ? error.message : String(error) };
  }
}

type Values = Readonly<Partial<Record<keyof typeof OPTIONS, string>>>;

function checked(values: Values): ApiServerFlags {
  const bindAddress = needed(values, 'bind-address');
  if (isIP(bindAddress) === 0) throw new Error(`--bind-address is no IP address: ${bindAddress}`);
  const port = needed(values, 'secure-port');
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error(`--secure-port is no port: ${port}`);
  }
  const level = needed(values, 'log-level');
  const logLevel = LEVELS.find((known) => known === level);
  if (logLevel === undefined) throw new Error(`--log-level must be one of ${LEVELS.join(', ')}`);
  return {
    bindAddress,
    securePort: Number(port),
    pkiDir: needed(values, 'pki-dir'),
    tlsSans: listIn(values['tls-san']),
    storage: storageIn(values),
    serviceCidr: needed(values, 'service-cidr'),
    logLevel,
  };
}

function storageIn(values: Values): StorageLocation {
  switch (values.store) {
    case 'embedded':
      return { kind: 'embedded', dir: needed(values, 'data-dir') };
    case 'etcd': {
      const endpoints = listIn(values['etcd-endpoints']);
      if (endpoints.length === 0) throw new Error('--store etcd needs --etcd-endpoints');
      return { kind: 'etcd', endpoints };
    }
    default:
      throw new Error('--store must be embedded or etcd');
  }
}

function needed(values: Values, flag: keyof typeof OPTIONS): string {
  const value = values[flag];
  if (value === undefined || value === '') throw new Error(`--${flag} is needed`);
  return value;
}

function listIn(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').filter((item) => item !== '');
}
