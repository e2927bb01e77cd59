/**
 * The text of a kubeconfig with one context.
 * Source: kubernetes/client-go tools/clientcmd/api/v1/types.go, v0.36.
 */

import { Buffer } from 'node:buffer';
import type { CertifiedKey } from './certificate.ts';

export interface KubeconfigParts {
  /** The name of the cluster, the user and the context. */
  readonly contextName: string;
  readonly server: string;
  readonly caPem: string;
  readonly client: CertifiedKey;
}

/** JSON, which is YAML too and needs no parser to be loaded; with the certificates inside. */
export function kubeconfigText({ contextName, server, caPem, client }: KubeconfigParts): string {
  const cluster = { server, 'certificate-authority-data': base64(caPem) };
  const user = {
    'client-certificate-data': base64(client.certificatePem),
    'client-key-data': base64(client.keyPem),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: contextName, cluster }],
    users: [{ name: contextName, user }],
    contexts: [{ name: contextName, context: { cluster: contextName, user: contextName } }],
    'current-context': contextName,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
