/**
 * Reads kubeconfig files: which server, and as whom. Credentials may be embedded or in files, whose
 * relative paths are relative to the kubeconfig. Exec plugins, auth providers, basic auth, proxies
 * and impersonation are refused by name.
 *
 * Source: kubernetes/client-go tools/clientcmd/api/v1/types.go, v0.36.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** How to reach an API server, and as whom. */
export interface Connection {
  /** `https://10.0.0.1:6443`, perhaps with a path; without a slash at the end. */
  readonly server: string;
  /** PEM. Absent: the system's certificate authorities. */
  readonly ca?: string | Buffer;
  /** PEM; with `key`. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Bearer token. */
  readonly token?: string;
  /** The name the server's certificate must be for, when it is not the host of `server`. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** The namespace of the context, `default` when it names none. */
  readonly namespace: string;
}

/** Gives the bytes of a file. */
export type ReadFile = (file: string) => Promise<Buffer>;

type Tree = Readonly<Record<string, unknown>>;

/** The file's current context, or the named one. Throws when the file can't be used, saying why. */
export async function loadKubeconfig(file: string, context?: string): Promise<Connection> {
  try {
    const text = await readFile(file, 'utf8');
    return await parseKubeconfig(text, path.dirname(file), (name) => readFile(name), context);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Could not load kubeconfig ${file}: ${why}`, { cause });
  }
}

/** As {@link loadKubeconfig}, of text; `folder` is what relative paths in it are relative to. */
export async function parseKubeconfig(
  text: string,
  folder: string,
  read: ReadFile,
  context?: string,
): Promise<Connection> {
  const config = treeOf(await parseText(text), 'the file');
  const name = context ?? stringOf(config, 'current-context');
  if (name === undefined || name === '') throw new Error('it has no current context');
  const chosen = entryOf(config, 'contexts', 'context', name);
  const cluster = entryOf(config, 'clusters', 'cluster', stringOf(chosen, 'cluster') ?? '');
  const userName = stringOf(chosen, 'user');
  const user = userName === undefined ? {} : entryOf(config, 'users', 'user', userName);
  refuse(cluster, ['proxy-url']);
  refuse(user, ['exec', 'auth-provider', 'username', 'password', 'as', 'as-groups', 'as-uid']);
  const server = stringOf(cluster, 'server');
  if (server === undefined) throw new Error('its cluster has no server');
  const data = (tree: Tree, field: string): Promise<Buffer | undefined> =>
    dataOf(tree, field, folder, read);
  const tokenFile = stringOf(user, 'tokenFile');
  const token =
    stringOf(user, 'token') ??
    (tokenFile && (await read(path.resolve(folder, tokenFile))).toString().trim());
  return withoutAbsent({
    server: server.replace(/\/+$/, ''),
    ca: await data(cluster, 'certificate-authority'),
    cert: await data(user, 'client-certificate'),
    key: await data(user, 'client-key'),
    token,
    tlsServerName: stringOf(cluster, 'tls-server-name'),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true || undefined,
    namespace: stringOf(chosen, 'namespace') ?? 'default',
  });
}

/** JSON is YAML, and what the lab writes: the YAML parser is loaded only for what needs it. */
async function parseText(text: string): Promise<unknown> {
  if (text.trimStart().startsWith('{')) return JSON.parse(text);
  const { parse } = await import('yaml');
  return parse(text);
}

/** `x-data` (base64) goes before `x` (a path), as upstream. */
async function dataOf(
  tree: Tree,
  field: string,
  folder: string,
  read: ReadFile,
): Promise<Buffer | undefined> {
  const embedded = stringOf(tree, `${field}-data`);
  if (embedded !== undefined) return Buffer.from(embedded, 'base64');
  const file = stringOf(tree, field);
  return file === undefined ? undefined : read(path.resolve(folder, file));
}

function entryOf(config: Tree, list: string, field: string, name: string): Tree {
  const entries = config[list];
  if (Array.isArray(entries)) {
    for (const entry of entries) {
      const tree = treeOf(entry, list);
      if (tree.name === name) return treeOf(tree[field] ?? {}, `${field} "${name}"`);
    }
  }
  throw new Error(`it has no ${field} "${name}"`);
}

function refuse(tree: Tree, fields: readonly string[]): void {
  const field = fields.find((name) => tree[name] !== undefined);
  if (field !== undefined) throw new Error(`"${field}" is not supported`);
}

function stringOf(tree: Tree, field: string): string | undefined {
  const value = tree[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Error(`"${field}" is not a string`);
  return value;
}

function treeOf(value: unknown, what: string): Tree {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} is not an object`);
  return value as Tree;
}

function withoutAbsent<T extends object>(
  object: {
    readonly [K in keyof T]: T[K] | undefined;
  },
): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
