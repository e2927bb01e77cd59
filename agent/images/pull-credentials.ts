/**
 * The credentials of `imagePullSecrets`: secrets of type kubernetes.io/dockerconfigjson (and the
 * older dockercfg), by the registry and path an image is of.
 *
 * Source: kubernetes pkg/credentialprovider/config.go, v1.36.
 */

import type { Pod, Secret } from '../../proto/api/gen/core-v1.ts';
import type { AuthConfig, Input } from '../../proto/cri/types.ts';
import type { ReferenceSource } from '../environment/container-environment.ts';
import { matchingKeys, registryOf } from './registry-match.ts';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

export class PullCredentials {
  readonly #references: Pick<ReferenceSource, 'secret'>;

  constructor(references: Pick<ReferenceSource, 'secret'>) {
    this.#references = references;
  }

  /** In the order of the pod's list; a secret that is missing or unreadable is passed over. */
  async of(pod: Pod, image: string): Promise<readonly Input<AuthConfig>[]> {
    const names = pod.spec.imagePullSecrets ?? [];
    const { namespace = '' } = pod.metadata;
    const secrets = await Promise.all(
      names.map(({ name = '' }) => this.#references.secret(namespace, name)),
    );
    return secrets.flatMap((secret) => (secret === undefined ? [] : matching(secret, image)));
  }
}

function matching(secret: Secret, image: string): readonly Input<AuthConfig>[] {
  const entries = entriesOf(secret);
  const registry = registryOf(image);
  return matchingKeys(Object.keys(entries), image).flatMap((key) => {
    const entry = entries[key];
    return typeof entry === 'object' && entry !== null ? [authOf(registry, entry)] : [];
  });
}

function entriesOf(secret: Secret): Readonly<Record<string, DockerAuth>> {
  const json = secret.data?.['.dockerconfigjson'];
  const old = secret.data?.['.dockercfg'];
  try {
    const text = Buffer.from(json ?? old ?? '', 'base64').toString();
    const value = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const entries = json === undefined ? value : value.auths;
    if (typeof entries !== 'object' || entries === null) return {};
    return entries as Readonly<Record<string, DockerAuth>>;
  } catch {
    return {};
  }
}

function authOf(server: string, entry: DockerAuth): Input<AuthConfig> {
  const decoded = Buffer.from(entry.auth ?? '', 'base64').toString();
  const colon = decoded.indexOf(':');
  return {
    server_address: server,
    username: entry.username ?? (colon < 0 ? '' : decoded.slice(0, colon)),
    password: entry.password ?? (colon < 0 ? '' : decoded.slice(colon + 1)),
    identity_token: entry.identitytoken ?? '',
    registry_token: entry.registrytoken ?? '',
  };
}
