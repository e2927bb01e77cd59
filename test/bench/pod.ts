/**
 * From `kubectl apply` of one pod to Running: from the start of kubectl until a watch shows the
 * phase. Beside it, without kubectl's own start, from the request. The floor: kubectl that does
 * nothing but ask the server's version.
 */

import { systemClock } from '../../base/clock.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { RestClient } from '../../client/rest-client.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import type { Draft } from '../../proto/api/meta.ts';
import { mustRun } from '../support/run-command.ts';
import { quantile } from '../support/statistics.ts';
import { kubectls, TestLab } from '../support/test-lab.ts';

const RUNS = 40;
const WARM_UP = 5;

/** `{ runningMs: {p50, p99}, requestToRunningMs: {p50, p99}, floor: { kubectlMs: {p50} } }` */
export async function bench(): Promise<object> {
  const lab = new TestLab();
  try {
    await lab.up();
    const connection = await loadKubeconfig(lab.kubeconfig);
    const client = new RestClient({ connection, clock: systemClock, userAgent: 'bench' });
    const kubectl = kubectls().at(-1)?.file ?? 'kubectl';
    const applied: number[] = [];
    const requested: number[] = [];
    const floor: number[] = [];
    for (let run = 0; run < RUNS + WARM_UP; run += 1) {
      const input = JSON.stringify(podNamed(`applied-${run}`));
      const kubectlMs = await timeToRunning(client, `applied-${run}`, () =>
        mustRun(kubectl, ['apply', '-f', '-'], { env: lab.env, input }),
      );
      const requestMs = await timeToRunning(client, `requested-${run}`, () =>
        client.create(pods, podNamed(`requested-${run}`)),
      );
      const floorStart = performance.now();
      await mustRun(kubectl, ['version'], { env: lab.env });
      if (run < WARM_UP) continue;
      applied.push(kubectlMs);
      requested.push(requestMs);
      floor.push(performance.now() - floorStart);
    }
    const summary = (values: readonly number[]): object => ({
      p50: Math.round(quantile(values, 0.5)),
      p99: Math.round(quantile(values, 0.99)),
    });
    return {
      runningMs: summary(applied),
      requestToRunningMs: summary(requested),
      floor: { kubectlMs: summary(floor) },
    };
  } finally {
    await lab.down();
  }
}

async function timeToRunning(
  client: RestClient,
  name: string,
  make: () => Promise<unknown>,
): Promise<number> {
  const controller = new AbortController();
  const options = { namespace: 'default', fieldSelector: `metadata.name=${name}` };
  const watch = client.watch(pods, options, controller.signal)[Symbol.asyncIterator]();
  const first = watch.next();
  const startMs = performance.now();
  const made = make();
  for (let event = await first; event.done !== true; event = await watch.next()) {
    if (event.value.object.status?.phase === 'Running') break;
  }
  const tookMs = performance.now() - startMs;
  await made;
  controller.abort();
  await watch.return?.(undefined);
  await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
  return tookMs;
}

function podNamed(name: string): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '1000'] }],
    },
  };
}
