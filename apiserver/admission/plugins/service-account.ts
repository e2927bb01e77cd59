/**
 * ServiceAccount: a pod runs as a service account that exists, `default` when it names none, and its
 * containers find a token for the API, the cluster's CA and their namespace in the usual place.
 * Source: kubernetes plugin/pkg/admission/serviceaccount/admission.go, v1.36.
 */

import type { Clock } from '../../../base/clock.ts';
import type {
  Container,
  LocalObjectReference,
  PodSpec,
  ServiceAccount,
  Volume,
} from '../../../proto/api/gen/core-v1.ts';
import { pods, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import type { ObjectReference } from '../../../proto/api/meta.ts';
import { isNotFound } from '../../../proto/api/status-error.ts';
import type { ObjectAccess } from '../../registry/object-access.ts';
import type { Editable } from '../../registry/strategies/define-strategy.ts';
import type { ApiObject } from '../../registry/strategy.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { isOf, refusal } from '../refusal.ts';

const DEFAULT_NAME = 'default';
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Seconds. An odd number tells these tokens from those that people ask for. */
const TOKEN_EXPIRATION_SECONDS = 3607;
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** A namespace gets its default account moments after its creation; pods wait for it this long. */
const WAIT_FOR_DEFAULT_MS = 2000;
const WAIT_INTERVAL_MS = 50;

export class ServiceAccountPlugin implements AdmissionPlugin {
  readonly name = 'ServiceAccount';
  readonly #clock: Clock;
  readonly #randomSuffix: () => string;

  /** `randomSuffix`: five characters that names may have. */
  constructor(clock: Clock, randomSuffix: () => string) {
    this.#clock = clock;
    this.#randomSuffix = randomSuffix;
  }

  mutate(attributes: AdmissionAttributes, objects: ObjectAccess): void | Promise<void> {
    const { object, operation, namespace = '' } = attributes;
    if (operation !== 'CREATE' || !isOf(attributes, pods) || object?.spec === undefined) return;
    if (object.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return;
    // The schema has checked the types of the pod's fields.
    const spec = object.spec as unknown as Editable<PodSpec>;
    const name = spec.serviceAccountName || DEFAULT_NAME;
    spec.serviceAccountName = name;
    spec.serviceAccount = name;
    const known = objects.peek(serviceaccounts, { namespace, name });
    if (known !== undefined) {
      this.#apply(spec, known);
      return;
    }
    return this.#findStored(attributes, objects, { namespace, name }).then((stored) =>
      this.#apply(spec, stored),
    );
  }

  async #findStored(
    attributes: AdmissionAttributes,
    objects: ObjectAccess,
    target: ObjectReference,
  ): Promise<ApiObject> {
    const waitMs = target.name === DEFAULT_NAME ? WAIT_FOR_DEFAULT_MS : 0;
    const deadline = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      const found = await objects.get(serviceaccounts, target).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });
      if (found !== undefined) return found;
      if (this.#clock.monotonicMs() >= deadline) {
        const { namespace, name } = target;
        const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
        throw refusal(attributes, why);
      }
      await this.#clock.after(WAIT_INTERVAL_MS);
    }
  }

  #apply(spec: Editable<PodSpec>, stored: ApiObject): void {
    // As above; only `kind` and `apiVersion` are wider than the generated type says.
    const account = stored as unknown as ServiceAccount;
    if ((spec.imagePullSecrets ?? []).length === 0) {
      const secrets: readonly LocalObjectReference[] = account.imagePullSecrets ?? [];
      if (secrets.length > 0) spec.imagePullSecrets = secrets.map((secret) => ({ ...secret }));
    }
    const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken;
    if (mounts !== false) this.#mountToken(spec);
  }

  #mountToken(spec: Editable<PodSpec>): void {
    const existing = (spec.volumes ?? []).find(({ name }) => name?.startsWith(VOLUME_PREFIX));
    const name = existing?.name ?? `${VOLUME_PREFIX}${this.#randomSuffix()}`;
    let isMounted = false;
    for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
      if (hasMount(container)) continue;
      const mount = { name, readOnly: true, mountPath: MOUNT_PATH };
      container.volumeMounts = [...(container.volumeMounts ?? []), mount];
      isMounted = true;
    }
    if (isMounted && existing === undefined) {
      spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
    }
  }
}

function hasMount(container: Editable<Container>): boolean {
  return (container.volumeMounts ?? []).some(({ mountPath }) => mountPath === MOUNT_PATH);
}

function tokenVolume(name: string): Editable<Volume> {
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
