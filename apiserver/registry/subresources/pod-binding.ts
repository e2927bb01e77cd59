/**
 * `binding` of pods, and the older `bindings`: puts a pod on a node, once.
 * Source: kubernetes pkg/registry/core/pod/storage/storage.go `BindingREST`, v1.36.
 */

import { bindings, pods } from '../../../proto/api/gen/resources.ts';
import { badRequest, conflict, invalid } from '../../../proto/api/status-error.ts';
import { formatTime } from '../../../proto/api/time.ts';
import { notSupported, required } from '../../../proto/api/validation.ts';
import { type Answer, objectAnswer } from '../../http/answer.ts';
import type { VirtualResource } from '../api-definition.ts';
import type { ApiObject } from '../strategy.ts';
import type { ActionContext, ActionSubresource } from '../subresource.ts';
import { setCondition } from './pod-conditions.ts';

const POD_BINDING = { group: '', plural: 'pods/binding' };

export const podBinding: ActionSubresource = {
  type: 'action',
  resource: pods,
  name: 'binding',
  verbs: ['create'],
  body: { group: '', version: 'v1', kind: 'Binding' },
  handle: bind,
};

export const podBindings: VirtualResource = { resource: bindings, create: bind };

interface Target {
  readonly kind?: string;
  readonly name?: string;
}

async function bind(context: ActionContext): Promise<Answer> {
  const { body, target, nowMs, dryRun, objects } = context;
  if (body === undefined) throw badRequest('a Binding is required');
  const podName = body.metadata.name || target.name;
  if (target.name !== '' && podName !== target.name) {
    throw badRequest('name in URL does not match name in Binding object');
  }
  const node = nodeOf(body, podName);
  const namespace = target.namespace ?? body.metadata.namespace ?? '';
  await objects.update(
    pods,
    { namespace, name: podName },
    (pod) => assign(pod, body, node, nowMs),
    {
      user: context.request.user,
      dryRun,
      fieldManager: context.fieldManager,
      subresource: 'binding',
    },
  );
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return objectAnswer(201, status);
}

function nodeOf(binding: ApiObject, podName: string): string {
  const { kind = '', name = '' } = (binding.target ?? {}) as Target;
  const errors = [];
  if (kind !== '' && kind !== 'Node') {
    errors.push(notSupported('target.kind', kind, ['Node', '<empty>']));
  }
  if (name === '') errors.push(required('target.name'));
  if (errors.length > 0) throw invalid({ group: '', kind: 'Binding' }, podName, errors);
  return name;
}

function assign(pod: ApiObject, binding: ApiObject, node: string, nowMs: number): void {
  const { metadata, spec = {} } = pod;
  const refuse = (why: string) => conflict(POD_BINDING, metadata.name, why);
  const { uid = '', resourceVersion = '', annotations, labels } = binding.metadata;
  if (uid !== '' && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
    throw refuse(why);
  }
  if (resourceVersion !== '' && resourceVersion !== metadata.resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    throw refuse(why);
  }
  if (metadata.deletionTimestamp !== undefined) {
    throw refuse(`pod ${metadata.name} is being deleted, cannot be assigned to a host`);
  }
  if ((spec.nodeName ?? '') !== '') {
    throw refuse(`pod ${metadata.name} is already assigned to node "${spec.nodeName}"`);
  }
  if (Array.isArray(spec.schedulingGates) && spec.schedulingGates.length > 0) {
    throw refuse(`pod ${metadata.name} has non-empty .spec.schedulingGates`);
  }
  pod.spec = { ...spec, nodeName: node };
  // Where room was being made says nothing any more (ClearingNominatedNodeNameAfterBinding).
  const { nominatedNodeName: _none, ...status } = pod.status ?? {};
  pod.status = status;
  if (annotations !== undefined) metadata.annotations = { ...metadata.annotations, ...annotations };
  if (labels !== undefined) metadata.labels = { ...metadata.labels, ...labels };
  setCondition(pod, { type: 'PodScheduled', status: 'True' }, formatTime(nowMs));
}
