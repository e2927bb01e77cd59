/** Pods that come, before they are put into the columns of an experiment. */

import type { PodSpec } from '../../../proto/api/gen/core-v1.ts';
import { GPU_MODEL_LABEL } from '../../../scheduler/gpu/gpu-request.ts';
import type { PodTemplate } from '../engine/scenario.ts';

/** Pods with the same template (the same object) are of one class. */
export interface PodRow {
  readonly name: string;
  readonly template: PodTemplate;
  readonly arrivalMs: number;
  /** Infinite: never ends. */
  readonly durationMs: number;
  /** The group that it runs with, and how many of it must have a node before any starts. */
  readonly gang?: { readonly name: string; readonly minCount: number };
}

export interface TemplateFields {
  /** Quantities by resource name. */
  readonly requests: Readonly<Record<string, string>>;
  readonly tenant: string;
  readonly priority: number;
  readonly gpuModels: readonly string[];
}

/** A pod with one container; the tenant is its namespace, models are a node affinity. */
export function templateOf({ requests, tenant, priority, gpuModels }: TemplateFields): PodTemplate {
  const container = { name: 'main', image: 'simulated', resources: { requests } };
  const expression = { key: GPU_MODEL_LABEL, operator: 'In' as const, values: [...gpuModels] };
  const terms = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } };
  const spec = {
    containers: [container],
    ...(priority === 0 ? {} : { priority }),
    ...(gpuModels.length === 0 ? {} : { affinity }),
  } as unknown as PodSpec;
  const metadata = {
    name: '',
    namespace: tenant,
    uid: '',
    resourceVersion: '',
    creationTimestamp: '',
  };
  return { metadata, spec };
}

/** Hands out one template for equal fields. */
export class Templates {
  readonly #known = new Map<string, PodTemplate>();

  of(fields: TemplateFields): PodTemplate {
    const key = JSON.stringify(fields);
    const template = this.#known.get(key) ?? templateOf(fields);
    this.#known.set(key, template);
    return template;
  }
}
