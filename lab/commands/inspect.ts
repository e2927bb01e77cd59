/** `skiff inspect POD`: what the pod is to the kernel. Needs root, and the pod on this machine. */

import { systemClock } from '../../base/clock.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { newCriClient } from '../../proto/cri/client.ts';
import { connect } from '../cluster/connect.ts';
import { type LabSpec, nodeNetns, runtimeSocket } from '../cluster/lab-spec.ts';
import { inspectPod, type PodFacts } from '../inspect/inspect-pod.ts';
import { formatPod } from '../inspect/print.ts';
import { UsageError } from './usage-error.ts';

const API_WAIT_MS = 10_000;

export interface InspectOptions {
  readonly pod: string;
  readonly namespace: string;
  readonly output: 'text' | 'json';
}

export async function inspect(
  spec: LabSpec,
  options: InspectOptions,
  write: (text: string) => void,
): Promise<void> {
  const facts = await gather(spec, options);
  const text =
    options.output === 'json' ? JSON.stringify(facts, null, 2) : formatPod(facts).join('\n');
  write(`${text}\n`);
}

async function gather(spec: LabSpec, { pod: name, namespace }: InspectOptions): Promise<PodFacts> {
  const api = await connect(spec);
  const signal = AbortSignal.timeout(API_WAIT_MS);
  try {
    const pod = await api.get(pods, { namespace, name }, signal);
    const node = pod.spec.nodeName ?? '';
    if (node === '') throw new UsageError(`pod "${name}" has no node yet`);
    if (spec.nodes.every((one) => one.name !== node)) {
      throw new UsageError(`pod "${name}" is on "${node}", which is not a node of this machine`);
    }
    const runtime = newCriClient(runtimeSocket(spec, node), systemClock);
    try {
      const netns = `/run/netns/${nodeNetns(spec, node)}`;
      const { uid } = pod.metadata;
      return await inspectPod(runtime, { namespace, name, uid, node, nodeNetns: netns });
    } finally {
      runtime.close();
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const text = `there is no pod "${name}" in namespace "${namespace}"`;
    throw new UsageError(text, { cause: error });
  }
}
