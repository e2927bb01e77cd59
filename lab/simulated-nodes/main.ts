/**
 * The process behind a lab's simulated nodes: `--kubeconfig FILE` `--count N` `--capacity
 * RESOURCE=QUANTITY,…` `--zones N` `--tainted` `--log-level LEVEL`. Runs until SIGTERM; the nodes then
 * stay in the API, and are lost 50 s later as nodes are whose agent is silent.
 */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../../base/clock.ts');
const { parsedOrUsage } = await import('../../base/flags.ts');
const { runProcess } = await import('../../base/process-lifetime.ts');
const { loadKubeconfig } = await import('../../client/kubeconfig.ts');
const { RestClient } = await import('../../client/rest-client.ts');
const { runSimulatedNodes } = await import('./run-simulated-nodes.ts');
const { readCapacity, SIMULATED_NODES_MAX, ZONES_MAX } = await import('./settings.ts');

const { settings, kubeconfig, level } = parsedOrUsage('simulated-nodes', () => {
  const { values } = parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      count: { type: 'string' },
      capacity: { type: 'string', default: 'pods=110' },
      zones: { type: 'string', default: '3' },
      tainted: { type: 'boolean', default: false },
      'log-level': { type: 'string', default: 'info' },
    },
  });
  if (values.kubeconfig === undefined) throw new Error('--kubeconfig is required');
  const capacity = readCapacity(values.capacity);
  if (typeof capacity === 'string') throw new Error(`--capacity: ${capacity}`);
  const count = integer('count', values.count, SIMULATED_NODES_MAX);
  const zones = integer('zones', values.zones, ZONES_MAX);
  const levels = ['debug', 'info', 'warn', 'error'] as const;
  return {
    settings: { count, capacity, zones, isTainted: values.tainted },
    kubeconfig: values.kubeconfig,
    level: levels.find((each) => each === values['log-level']) ?? 'info',
  };
});

await runProcess('simulated-nodes', level, async ({ signal, logger }) => {
  const connection = await loadKubeconfig(kubeconfig);
  const client = new RestClient({ connection, clock, userAgent: 'skiff-simulated-nodes' });
  try {
    await runSimulatedNodes(settings, { client, clock, logger }, signal);
  } finally {
    client.close();
  }
});

function integer(name: string, text: string | undefined, max: number): number {
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (value >= 1 && value <= max) return value;
  throw new Error(`--${name} is a whole number from 1 to ${max}, not "${text ?? ''}"`);
}
