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

/** YAML, with the certificates inside. */
export function kubeconfigText(parts: KubeconfigParts): string {
  const name = JSON.stringify(parts.contextName);
  return `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${JSON.stringify(parts.server)}
    certificate-authority-data: ${base64(parts.caPem)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(parts.client.certificatePem)}
    client-key-data: ${base64(parts.client.keyPem)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
current-context: ${name}
`;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
