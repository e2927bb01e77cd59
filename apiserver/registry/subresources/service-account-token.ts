/**
 * `token` of service accounts: makes a token, for a while, for some audiences, and bound to a pod or
 * secret when asked for.
 * Source: kubernetes pkg/registry/core/serviceaccount/storage/token.go,
 * pkg/apis/authentication/validation, v1.36.
 */

import type { TokenRequestSpec } from '../../../proto/api/gen/authentication-v1.ts';
import { nodes, pods, secrets, serviceaccounts } from '../../../proto/api/gen/resources.ts';
import {
  badRequest,
  conflict,
  forbidden,
  invalid,
  isNotFound,
  newApiError,
} from '../../../proto/api/status-error.ts';
import { formatTime } from '../../../proto/api/time.ts';
import { invalidField } from '../../../proto/api/validation.ts';
import { nodeNameOf } from '../../auth/node-identity.ts';
import {
  type BoundObject,
  DEFAULT_AUDIENCE,
  type ServiceAccountTokens,
} from '../../auth/service-account-tokens.ts';
import { objectAnswer } from '../../http/answer.ts';
import type { ActionContext, ActionSubresource } from '../subresource.ts';

const EXPIRATION_SECONDS = 3600;
const EXPIRATION_SECONDS_MIN = 600;
const EXPIRATION_SECONDS_MAX = 2 ** 32;

export function serviceAccountToken(tokens: ServiceAccountTokens): ActionSubresource {
  return {
    type: 'action',
    resource: serviceaccounts,
    name: 'token',
    verbs: ['create'],
    body: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },

    async handle(context) {
      const { body, target, objects, nowMs } = context;
      const account = await objects.get(serviceaccounts, target);
      // A decoded body has the type that its kind says.
      const spec = (body?.spec ?? {}) as TokenRequestSpec;
      const { expirationSeconds = EXPIRATION_SECONDS } = spec;
      checkExpiration(target.name, expirationSeconds);
      const audiences = (spec.audiences ?? []).length === 0 ? [DEFAULT_AUDIENCE] : spec.audiences;
      const bound = await boundTo(context, spec);
      checkNode(context, bound);
      const { namespace = '' } = target;
      const { token, expiresAtMs } = await tokens.issue({
        namespace,
        serviceAccount: { name: account.metadata.name, uid: account.metadata.uid },
        ...bound,
        audiences: audiences ?? [],
        expirationSeconds,
      });
      return objectAnswer(201, {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name: target.name, namespace, creationTimestamp: formatTime(nowMs) },
        spec: { ...spec, audiences, expirationSeconds },
        status: { token, expirationTimestamp: formatTime(expiresAtMs) },
      });
    },
  };
}

function checkExpiration(name: string, seconds: number): void {
  const why =
    seconds < EXPIRATION_SECONDS_MIN
      ? 'may not specify a duration less than 10 minutes'
      : seconds > EXPIRATION_SECONDS_MAX
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  const errors = [invalidField('spec.expirationSeconds', seconds, why)];
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, errors);
}

/** An agent gets tokens for the pods of its node. Source: upstream's NodeRestriction. */
function checkNode({ request, target }: ActionContext, bound: Bound): void {
  const node = nodeNameOf(request.user);
  if (node === undefined) return;
  const refuse = (why: string) => forbidden(serviceaccounts, target.name, why);
  if (bound.pod === undefined) throw refuse('node requested token not bound to a pod');
  if (bound.node?.name === node) return;
  throw refuse('node requested token bound to a pod scheduled on a different node');
}

interface Bound {
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
}

/** The object that the token lives and dies with; a pod brings its node along. */
async function boundTo(context: ActionContext, spec: TokenRequestSpec): Promise<Bound> {
  const reference = spec.boundObjectRef;
  if (reference === undefined) return {};
  const { kind = '', name = '', uid = '' } = reference;
  const { namespace = '' } = context.target;
  const checked = async (resource: typeof pods | typeof secrets | typeof nodes) => {
    const target = resource === nodes ? { name } : { namespace, name };
    const object = await context.objects.get(resource, target);
    if (uid !== '' && uid !== object.metadata.uid) {
      const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict(resource, name, why);
    }
    return object;
  };
  switch (kind) {
    case 'Pod': {
      const pod = await checked(pods);
      if ((pod.spec?.serviceAccountName ?? '') !== context.target.name) {
        const why = `cannot bind token for serviceaccount "${context.target.name}" to pod running with different serviceaccount name.`;
        throw badRequest(why);
      }
      const node = await nodeOf(context, String(pod.spec?.nodeName ?? ''));
      const bound = { name, uid: pod.metadata.uid };
      return node === undefined ? { pod: bound } : { pod: bound, node };
    }
    case 'Secret':
      return { secret: { name, uid: (await checked(secrets)).metadata.uid } };
    case 'Node':
      return { node: { name, uid: (await checked(nodes)).metadata.uid } };
    default:
      throw newApiError(
        400,
        'BadRequest',
        `cannot bind token to object of type ${reference.apiVersion ?? ''}, Kind=${kind}`,
      );
  }
}

async function nodeOf(context: ActionContext, name: string): Promise<BoundObject | undefined> {
  if (name === '') return undefined;
  const known = context.objects.peek(nodes, { name });
  if (known !== undefined) return { name, uid: known.metadata.uid };
  const stored = await context.objects.get(nodes, { name }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return undefined;
  });
  return stored === undefined ? undefined : { name, uid: stored.metadata.uid };
}
