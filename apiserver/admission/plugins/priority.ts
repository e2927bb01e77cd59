/**
 * Priority: the class that a pod names becomes the number that the scheduler compares.
 * Source: kubernetes plugin/pkg/admission/priority/admission.go, v1.36.
 */

import { pods, priorityclasses } from '../../../proto/api/gen/resources.ts';
import { isNotFound } from '../../../proto/api/status-error.ts';
import type { ObjectAccess } from '../../registry/object-access.ts';
import type { ApiObject } from '../../registry/strategy.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts';
import { isOf, refusal } from '../refusal.ts';

const DEFAULT_POLICY = 'PreemptLowerPriority';

interface Effect {
  readonly className: string;
  readonly priority: number;
  readonly preemptionPolicy: string;
}

export const priority: AdmissionPlugin = {
  name: 'Priority',

  mutate(attributes, objects) {
    const { object, operation } = attributes;
    if (operation !== 'CREATE' || object === undefined || !isOf(attributes, pods)) return undefined;
    const name = String(object.spec?.priorityClassName ?? '');
    if (name === '') return apply(attributes, object, defaultEffect(objects));
    const known = objects.peek(priorityclasses, { name });
    if (known === undefined) return applyStored(attributes, object, objects, name);
    return apply(attributes, object, effectOf(known));
  },

  validate(attributes, objects) {
    const { object, operation } = attributes;
    const isWrite = operation === 'CREATE' || operation === 'UPDATE';
    if (!isWrite || !isOf(attributes, priorityclasses) || object?.globalDefault !== true) return;
    const other = objects
      .peekAll(priorityclasses)
      .find((one) => one.globalDefault === true && one.metadata.name !== object.metadata.name);
    if (other === undefined) return;
    const { name } = other.metadata;
    const why = `PriorityClass ${name} is already marked as default. Only one default can exist`;
    throw refusal(attributes, why);
  },
};

async function applyStored(
  attributes: AdmissionAttributes,
  object: ApiObject,
  objects: ObjectAccess,
  name: string,
): Promise<void> {
  const stored = await objects.get(priorityclasses, { name }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw refusal(attributes, `no PriorityClass with name ${name} was found`);
  });
  apply(attributes, object, effectOf(stored));
}

function apply(attributes: AdmissionAttributes, object: ApiObject, effect: Effect): void {
  const { spec } = object;
  if (spec === undefined) return;
  const from = 'priority admission controller computed';
  if (spec.priority !== undefined && spec.priority !== effect.priority) {
    const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; ${from} ${effect.priority} from the given PriorityClass name`;
    throw refusal(attributes, why);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== effect.preemptionPolicy) {
    const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ${from} ${effect.preemptionPolicy} from the given PriorityClass name`;
    throw refusal(attributes, why);
  }
  if (effect.className !== '') spec.priorityClassName = effect.className;
  spec.priority = effect.priority;
  spec.preemptionPolicy = effect.preemptionPolicy;
}

/** Of several default classes, which only a race can make, the lowest counts. */
function defaultEffect(objects: ObjectAccess): Effect {
  const defaults = objects
    .peekAll(priorityclasses)
    .filter(({ globalDefault }) => globalDefault === true)
    .map(effectOf)
    .sort((a, b) => a.priority - b.priority);
  return defaults[0] ?? { className: '', priority: 0, preemptionPolicy: DEFAULT_POLICY };
}

function effectOf(priorityClass: ApiObject): Effect {
  const { metadata, value, preemptionPolicy } = priorityClass;
  return {
    className: metadata.name,
    priority: Number(value ?? 0),
    preemptionPolicy: String(preemptionPolicy ?? DEFAULT_POLICY),
  };
}
