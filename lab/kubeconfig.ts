/**
 * Merges the credentials of a lab into the user's kubeconfig, and takes them out again. Entries of
 * others, their order and comments stay as they are. The file is replaced in one step, has mode
 * 0600 and belongs to the user who called (also under sudo).
 *
 * The lock is client-go's: `FILE.lock`, made exclusively.
 * Source: kubernetes/client-go tools/clientcmd/loader.go, v0.36.
 */

import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type Document, isMap, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import type { Clock } from '../base/clock.ts';

export interface KubeconfigUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The parts of a lab's own kubeconfig that are merged; data fields are base64. */
export interface Credentials {
  readonly server: string;
  readonly certificateAuthorityData: string;
  readonly clientCertificateData: string;
  readonly clientKeyData: string;
}

const LISTS = ['clusters', 'users', 'contexts'] as const;
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 20;

/** `skiff-NAME`: the name of the context, the cluster and the user. */
export function contextName(lab: string): string {
  return `skiff-${lab}`;
}

/** The file to write: the first of $KUBECONFIG that exists, else its first; else ~/.kube/config. */
export function kubeconfigPath(variable: string | undefined, home: string): string {
  const files = (variable ?? '').split(':').filter((file) => file !== '');
  return files.find((file) => existsSync(file)) ?? files[0] ?? path.join(home, '.kube', 'config');
}

/** The person who called: under sudo, the one who typed it. */
export function invokingUser(env: NodeJS.ProcessEnv, passwd: string): KubeconfigUser {
  const uid = Number(env.SUDO_UID ?? process.getuid?.() ?? 0);
  const entry = passwd.split('\n').find((line) => line.split(':')[2] === String(uid));
  const fields = entry?.split(':') ?? [];
  const gid = Number(env.SUDO_GID ?? process.getgid?.() ?? 0);
  const home = env.SUDO_UID === undefined ? (env.HOME ?? fields[5]) : fields[5];
  return { uid, gid, home: home ?? '/' };
}

/** The credentials in a kubeconfig with one cluster and one user, as the lab's own. */
export function credentialsOf(text: string): Credentials {
  const document = parseKubeconfig(text);
  const value = (...keys: (string | number)[]): string => {
    const found = document.getIn(keys);
    if (typeof found === 'string') return found;
    throw new Error(`The lab's kubeconfig has no "${keys.join('.')}"`);
  };
  return {
    server: value('clusters', 0, 'cluster', 'server'),
    certificateAuthorityData: value('clusters', 0, 'cluster', 'certificate-authority-data'),
    clientCertificateData: value('users', 0, 'user', 'client-certificate-data'),
    clientKeyData: value('users', 0, 'user', 'client-key-data'),
  };
}

/** Returns the text with the lab's entries added or replaced, and its context as the current one. */
export function withLab(text: string, lab: string, credentials: Credentials): string {
  const document = parseKubeconfig(text);
  const name = contextName(lab);
  const { server, certificateAuthorityData, clientCertificateData, clientKeyData } = credentials;
  setEntry(document, 'clusters', name, {
    cluster: { server, 'certificate-authority-data': certificateAuthorityData },
  });
  setEntry(document, 'users', name, {
    user: {
      'client-certificate-data': clientCertificateData,
      'client-key-data': clientKeyData,
    },
  });
  setEntry(document, 'contexts', name, { context: { cluster: name, user: name } });
  document.set('current-context', name);
  return String(document);
}

/** Returns the text without the lab's entries; the current context is cleared if it was the lab's. */
export function withoutLab(text: string, lab: string): string {
  const document = parseKubeconfig(text);
  const name = contextName(lab);
  for (const list of LISTS) {
    const entries = document.get(list);
    if (!isSeq(entries)) continue;
    const index = indexOfEntry(entries, name);
    if (index >= 0) entries.delete(index);
  }
  if (document.get('current-context') === name) document.set('current-context', '');
  return String(document);
}

/** Changes the file by the function, under its lock. Nothing is written when nothing changes. */
export async function editKubeconfig(
  file: string,
  user: KubeconfigUser,
  edit: (text: string) => string,
  clock: Clock,
): Promise<void> {
  makeFolder(path.dirname(file), user);
  const lock = `${file}.lock`;
  await takeLock(lock, clock);
  try {
    const target = existsSync(file) ? realpathSync(file) : file;
    const before = existsSync(target) ? readFileSync(target, 'utf8') : '';
    const after = edit(before);
    if (after === before) return;
    writeFileSync(`${target}.new`, after, { mode: 0o600 });
    chownSync(`${target}.new`, user.uid, user.gid);
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(lock, { force: true });
  }
}

async function takeLock(lock: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + LOCK_WAIT_MS;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx'));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (clock.monotonicMs() > deadline) {
        throw new Error(`"${lock}" is held by another program: remove it if none runs`, {
          cause: error,
        });
      }
    }
    await clock.after(LOCK_POLL_MS);
  }
}

function makeFolder(folder: string, user: KubeconfigUser): void {
  if (existsSync(folder)) return;
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) chownSync(folder, user.uid, user.gid);
}

function parseKubeconfig(text: string): Document {
  const document = parseDocument(text.trim() === '' ? EMPTY : text);
  const [error] = document.errors;
  if (error !== undefined || !isMap(document.contents)) {
    throw new Error('The kubeconfig is not a YAML map: mend it, or name another in $KUBECONFIG', {
      cause: error,
    });
  }
  return document;
}

function setEntry(
  document: Document,
  list: (typeof LISTS)[number],
  name: string,
  value: Readonly<Record<string, unknown>>,
): void {
  const entry = document.createNode({ name, ...value });
  const entries = document.get(list);
  if (!isSeq(entries)) {
    document.set(list, document.createNode([entry]));
    return;
  }
  // `[]` of a new file would otherwise put everything on one line.
  entries.flow = false;
  const index = indexOfEntry(entries, name);
  if (index >= 0) entries.set(index, entry);
  else entries.add(entry);
}

function indexOfEntry(entries: YAMLSeq, name: string): number {
  return entries.items.findIndex((item) => isMap(item) && item.get('name') === name);
}

const EMPTY = `apiVersion: v1
kind: Config
preferences: {}
clusters: []
users: []
contexts: []
current-context: ""
`;
