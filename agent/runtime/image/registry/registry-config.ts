/**
 * Which registries are reached how: the file of `--registry-config`, read at each pull. A registry that
 * is not in it is reached by HTTPS with the machine's certificates. Pure.
 *
 *     registries:
 *       10.128.0.1:5000:
 *         plainHttp: true                 # HTTP; never tried otherwise
 *       registry.corp.example:
 *         caFile: /etc/ssl/corp.pem       # trusted beside the machine's certificates
 *       docker.io:
 *         mirrors:                        # asked in this order, then the registry itself
 *           - https://mirror.corp.example
 *           - url: http://10.0.0.5:5000
 *       quay.io:
 *         mirrors:
 *           - url: https://cache.example/quay
 *             caFile: /etc/ssl/cache.pem
 */

import { parse } from 'yaml';

export interface Endpoint {
  /** Without `/v2/`: `https://registry.example`, `http://10.0.0.5:5000/prefix`. */
  readonly url: URL;
  /** PEM, trusted beside the machine's own. */
  readonly caFile: string | undefined;
  /** The registry that the image's name says: it alone is given credentials. */
  readonly isOrigin: boolean;
}

export interface RegistryConfig {
  /** By the host, with the port if any, as image names have it. */
  readonly registries: ReadonlyMap<string, RegistryEntry>;
}

interface RegistryEntry {
  readonly plainHttp: boolean;
  readonly caFile: string | undefined;
  readonly mirrors: readonly Endpoint[];
}

export const EMPTY_CONFIG: RegistryConfig = { registries: new Map() };

/** Bytes of the file: more is not a configuration. */
export const CONFIG_BYTES_MAX = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

/** Throws an error that names the field. An empty text is an empty configuration. */
export function parseRegistryConfig(text: string): RegistryConfig {
  if (text.length > CONFIG_BYTES_MAX) throw new Error('The registry configuration is too large');
  const document = fieldsOf(parse(text) ?? {}, 'the registry configuration', ['registries']);
  const registries = fieldsOf(document.registries ?? {}, 'registries');
  const entries = Object.entries(registries).map(([host, value]): [string, RegistryEntry] => {
    const where = `registries.${host}`;
    const entry = fieldsOf(value ?? {}, where, ['plainHttp', 'caFile', 'mirrors']);
    return [
      host,
      {
        plainHttp: booleanOf(entry.plainHttp, `${where}.plainHttp`),
        caFile: fileOf(entry.caFile, `${where}.caFile`),
        mirrors: listOf(entry.mirrors, `${where}.mirrors`).map((mirror, index) =>
          mirrorOf(mirror, `${where}.mirrors[${index}]`),
        ),
      },
    ];
  });
  return { registries: new Map(entries) };
}

/** Where an image of this registry is looked for, in this order; the registry itself comes last. */
export function endpointsOf(config: RegistryConfig, domain: string): readonly Endpoint[] {
  const entry = config.registries.get(domain);
  const scheme = entry?.plainHttp === true ? 'http' : 'https';
  const host = domain === 'docker.io' ? 'registry-1.docker.io' : domain;
  const url = new URL(`${scheme}://${host}`);
  return [...(entry?.mirrors ?? []), { url, caFile: entry?.caFile, isOrigin: true }];
}

/** The same, but for one registry that is reached by HTTP. */
export function withPlainHttp(config: RegistryConfig, domain: string): RegistryConfig {
  const entry = config.registries.get(domain) ?? { caFile: undefined, mirrors: [] };
  return { registries: new Map([...config.registries, [domain, { ...entry, plainHttp: true }]]) };
}

function mirrorOf(value: unknown, where: string): Endpoint {
  const mirror = typeof value === 'string' ? { url: value } : fieldsOf(value, where, MIRROR_FIELDS);
  const { url } = mirror;
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error(`${where} is not a URL`);
  const parsed = new URL(url);
  if (!['http:', 'https:'].includes(parsed.protocol)) {
    throw new Error(`${where} is neither an http nor an https URL`);
  }
  if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '') {
    throw new Error(`${where} may have neither a user nor a query`);
  }
  const caFile = 'caFile' in mirror ? fileOf(mirror.caFile, `${where}.caFile`) : undefined;
  return { url: parsed, caFile, isOrigin: false };
}

const MIRROR_FIELDS = ['url', 'caFile'];

function fieldsOf(value: unknown, where: string, known?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${where} is not a map`);
  }
  const unknown = Object.keys(value).find((key) => known?.includes(key) === false);
  if (unknown !== undefined) throw new Error(`${where} has an unknown field "${unknown}"`);
  return value as Fields;
}

function booleanOf(value: unknown, where: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw new Error(`${where} is neither true nor false`);
}

function fileOf(value: unknown, where: string): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.startsWith('/'))) return value;
  throw new Error(`${where} is not an absolute path`);
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${where} is not a list`);
}
