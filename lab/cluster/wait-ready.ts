/** Waits, with a deadline, until a lab's API server answers, its nodes are Ready, its objects too. */

import type { Clock } from '../../base/clock.ts';
import { readinessOf } from '../../cli/readiness.ts';
import type { Client } from '../../client/client.ts';
import { nodes } from '../../proto/api/gen/resources.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import type { Resource } from '../../proto/api/resource.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { SIMULATED_LABEL, SIMULATED_SELECTOR } from '../simulated-nodes/settings.ts';

/** Polling finds what a watch would tell, without one request left open per object. */
const POLL_MS = 25;
const SIMULATED_POLL_MS = 250;
const NOT_SIMULATED = `${SIMULATED_LABEL.key}!=${SIMULATED_LABEL.value}`;

export interface WaitDeps {
  readonly client: Client;
  readonly clock: Clock;
  /** In the time of `clock.monotonicMs()`. */
  readonly deadlineMs: number;
  /** Default 25. */
  readonly pollMs?: number;
}

/** Throws with the last failure as its cause when the deadline passes. */
export async function waitForApi(deps: WaitDeps): Promise<void> {
  await poll(deps, 'The API server does not answer', async () => {
    await deps.client.request('GET', '/readyz', undefined, { accept: '*/*' });
    return undefined;
  });
}

/** Waits for all nodes of these names. */
export async function waitForNodes(deps: WaitDeps, names: readonly string[]): Promise<void> {
  await poll(deps, 'Nodes are not Ready', async () => {
    const { items } = await deps.client.list(nodes, { labelSelector: NOT_SIMULATED });
    const waiting = names.flatMap((name) => {
      const node = items.find((item) => item.metadata.name === name);
      if (node === undefined) return [`${name}: not registered`];
      const readiness = readinessOf({ ...node, apiVersion: 'v1', kind: 'Node' });
      return readiness.kind === 'ready' ? [] : [`${name}: ${readiness.reason}`];
    });
    return waiting.length === 0 ? undefined : waiting.join('; ');
  });
}

/** Waits until there are this many, and all are Ready. Asked less often: they come in thousands. */
export async function waitForSimulatedNodes(deps: WaitDeps, count: number): Promise<void> {
  const wait = { ...deps, pollMs: SIMULATED_POLL_MS };
  await poll(wait, 'Simulated nodes are not Ready', async () => {
    const { items } = await deps.client.list(nodes, { labelSelector: SIMULATED_SELECTOR });
    const ready = items.filter((node) => {
      const { kind } = readinessOf({ ...node, apiVersion: 'v1', kind: 'Node' });
      return kind === 'ready';
    });
    return ready.length >= count ? undefined : `${ready.length} of ${count}`;
  });
}

/** Waits for one object; a failure that time does not mend ends the wait. */
export async function waitForObject(
  deps: WaitDeps,
  resource: Resource,
  object: KubernetesObject,
): Promise<void> {
  const { name, namespace } = object.metadata;
  await poll(deps, `${resource.kind} "${name}" is not ready`, async () => {
    const current = await deps.client.get(resource, { name, ...(namespace && { namespace }) });
    const readiness = readinessOf(current as KubernetesObject);
    if (readiness.kind === 'failed') {
      throw new UnrecoverableError(`${resource.kind} "${name}": ${readiness.reason}`);
    }
    return readiness.kind === 'ready' ? undefined : readiness.reason;
  });
}

class UnrecoverableError extends Error {}

/** Calls until it returns undefined; what it returns or throws else is why it is not ready yet. */
async function poll(
  deps: WaitDeps,
  what: string,
  check: () => Promise<string | undefined>,
): Promise<void> {
  for (;;) {
    let why: string | undefined;
    let cause: unknown;
    try {
      why = await check();
      if (why === undefined) return;
    } catch (error) {
      if (error instanceof UnrecoverableError || isNotFound(error)) throw error;
      cause = error;
      why = error instanceof Error ? error.message : String(error);
    }
    if (deps.clock.monotonicMs() > deps.deadlineMs) {
      throw new Error(`${what} in time: ${why}`, cause === undefined ? {} : { cause });
    }
    await deps.clock.after(deps.pollMs ?? POLL_MS);
  }
}
