/**
 * The keys and certificates of a cluster, as files in one folder: made once, kept after that.
 *
 * | file | what |
 * |---|---|
 * | `ca.crt` `ca.key` | signs everything below; clients trust it |
 * | `apiserver.crt` `.key` | what the API server serves HTTPS with |
 * | `apiserver-kubelet-client.crt` `.key` | what the API server shows to agents (O=system:masters) |
 * | `sa.key` `sa.pub` | signs and checks service account tokens |
 * | `NODE.crt` `.key` | what an agent serves HTTPS with |
 *
 * Folders are 0700 and files 0600. A file appears whole or not at all, so that an interrupted run is
 * finished by the next one.
 *
 * Source: kubernetes.io "PKI certificates and requirements" (names, subjects and usages).
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type CertificateRequest,
  type CertifiedKey,
  issueCertificate,
  isUsable,
  newKeyPair,
} from './certificate.ts';
import { kubeconfigText } from './kubeconfig.ts';

const CA_DAYS = 3650;
const LEAF_DAYS = 365;
/** A certificate with less time left than this is made anew. */
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

export interface ClusterPkiOptions {
  /** DNS names and IP addresses that clients reach the API server under, besides the usual ones. */
  readonly sans: readonly string[];
  readonly nowMs: number;
}

/** All of it as PEM. */
export interface ClusterPki {
  readonly ca: CertifiedKey;
  readonly apiserver: CertifiedKey;
  readonly kubeletClient: CertifiedKey;
  /** For service account tokens, ES256. */
  readonly serviceAccountKeyPem: string;
  readonly serviceAccountPublicPem: string;
}

/** Names that every API server certificate has. */
const USUAL_SANS: readonly string[] = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
];

/** Makes what is missing, outdated or for other names, and returns everything. Idempotent. */
export async function ensureClusterPki(
  dir: string,
  options: ClusterPkiOptions,
): Promise<ClusterPki> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { nowMs } = options;
  const ca = await ensureCertifiedKey(dir, 'ca', {
    subject: { commonName: 'skiff-ca' },
    usage: 'ca',
    days: CA_DAYS,
    nowMs,
  });
  const serving: CertificateRequest = {
    subject: { commonName: 'kube-apiserver' },
    usage: 'server',
    names: [...new Set([...USUAL_SANS, ...options.sans])],
    days: LEAF_DAYS,
    nowMs,
  };
  const client: CertificateRequest = {
    subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] },
    usage: 'client',
    days: LEAF_DAYS,
    nowMs,
  };
  const [apiserver, kubeletClient, keys] = await Promise.all([
    ensureCertifiedKey(dir, 'apiserver', serving, ca),
    ensureCertifiedKey(dir, 'apiserver-kubelet-client', client, ca),
    ensureServiceAccountKeys(dir),
  ]);
  return { ca, apiserver, kubeletClient, ...keys };
}

export interface ClientIdentity {
  readonly user: string;
  readonly groups?: readonly string[];
}

/** A client certificate for a user (CN) with groups (O). Nothing is written. */
export function issueClientCertificate(
  ca: CertifiedKey,
  identity: ClientIdentity,
  nowMs: number,
): CertifiedKey {
  const subject = { commonName: identity.user, organizations: identity.groups ?? [] };
  return issueCertificate({ subject, usage: 'client', days: LEAF_DAYS, nowMs }, ca);
}

export interface ServingRequest {
  /** The base name of the files, and the host in the subject. */
  readonly name: string;
  readonly sans: readonly string[];
  /** Default `system:nodes`, as a kubelet's serving certificate. */
  readonly organizations?: readonly string[];
  readonly nowMs: number;
}

/** Ensures `NAME.crt` and `NAME.key` for a node's HTTPS; as {@link ensureClusterPki}. */
export function issueServingCertificate(
  dir: string,
  ca: CertifiedKey,
  request: ServingRequest,
): Promise<CertifiedKey> {
  return ensureCertifiedKey(
    dir,
    request.name,
    {
      subject: {
        commonName: `system:node:${request.name}`,
        organizations: request.organizations ?? ['system:nodes'],
      },
      usage: 'server',
      names: [...new Set([request.name, ...request.sans])],
      days: LEAF_DAYS,
      nowMs: request.nowMs,
    },
    ca,
  );
}

export interface KubeconfigRequest extends ClientIdentity {
  /** `https://10.0.0.1:6443` */
  readonly server: string;
  /** The name of the cluster, the user and the context in the file. */
  readonly contextName: string;
  readonly nowMs: number;
}

/** Writes a kubeconfig with a client certificate of its own inside; overwrites the file. */
export async function writeKubeconfig(
  file: string,
  ca: CertifiedKey,
  request: KubeconfigRequest,
): Promise<void> {
  const client = issueClientCertificate(ca, request, request.nowMs);
  const text = kubeconfigText({
    contextName: request.contextName,
    server: request.server,
    caPem: ca.certificatePem,
    client,
  });
  await writeWhole(file, text);
}

async function ensureCertifiedKey(
  dir: string,
  name: string,
  request: CertificateRequest,
  issuer?: CertifiedKey,
): Promise<CertifiedKey> {
  const [certificatePem, keyPem] = await Promise.all([
    readIfThere(path.join(dir, `${name}.crt`)),
    readIfThere(path.join(dir, `${name}.key`)),
  ]);
  if (certificatePem !== undefined && keyPem !== undefined) {
    const kept = { certificatePem, keyPem };
    if (isUsable(kept, request, RENEW_BEFORE_MS, issuer)) return kept;
  }
  const made = issueCertificate(request, issuer);
  // The key first: a certificate without its key would pass for a complete pair of another run.
  await writeWhole(path.join(dir, `${name}.key`), made.keyPem);
  await writeWhole(path.join(dir, `${name}.crt`), made.certificatePem);
  return made;
}

async function ensureServiceAccountKeys(
  dir: string,
): Promise<Pick<ClusterPki, 'serviceAccountKeyPem' | 'serviceAccountPublicPem'>> {
  const keyFile = path.join(dir, 'sa.key');
  const publicFile = path.join(dir, 'sa.pub');
  const [keyPem, publicPem] = await Promise.all([readIfThere(keyFile), readIfThere(publicFile)]);
  if (keyPem !== undefined && publicPem !== undefined) {
    return { serviceAccountKeyPem: keyPem, serviceAccountPublicPem: publicPem };
  }
  const { privateKey, publicKey } = newKeyPair();
  const serviceAccountKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const serviceAccountPublicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await writeWhole(keyFile, serviceAccountKeyPem);
  await writeWhole(publicFile, serviceAccountPublicPem);
  return { serviceAccountKeyPem, serviceAccountPublicPem };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
  await rename(temporary, file);
}
