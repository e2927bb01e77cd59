/**
 * `skiff scheduler`: gives pods nodes. Flags: `--kubeconfig FILE` `--log-level LEVEL`
 * `--leader-elect` (several instances: one works) `--tie-break random|first|name|heap135` `--seed N` (for
 * random ties: the same pods in the same order get the same nodes).
 */

import { enableCompileCache } from 'node:module';
import type { LogLevel } from '../base/logger.ts';
import type { ProcessContext } from '../base/process-lifetime.ts';
import type { RestClient as Client } from '../client/rest-client.ts';
import type { TieBreak } from './select-node.ts';

enableCompileCache();

const { randomUUID } = await import('node:crypto');
const { hostname } = await import('node:os');
const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../base/clock.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { EventRecorder } = await import('../client/event-recorder.ts');
const { Informer } = await import('../client/informer.ts');
const { loadKubeconfig } = await import('../client/kubeconfig.ts');
const { runAsLeader } = await import('../client/leader-election.ts');
const { RestClient } = await import('../client/rest-client.ts');
const { nodes, pods } = await import('../proto/api/gen/resources.ts');
const { DEFAULT_SCHEDULER_NAME, defaultProfile } = await import('./default-profile.ts');
const { Framework } = await import('./framework/framework.ts');
const { Scheduler } = await import('./scheduler.ts');
const { seededRandom } = await import('./seeded-random.ts');

const { values: flags } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    'log-level': { type: 'string', default: 'info' },
    'leader-elect': { type: 'boolean', default: false },
    // Upstream's up to 1.34. Of its successor's rule the first node gets all pods without requests.
    'tie-break': { type: 'string', default: 'random' },
    seed: { type: 'string', default: '1' },
  },
});

await runProcess('scheduler', logLevelOf(flags['log-level']), async (context) => {
  if (flags.kubeconfig === undefined) throw new Error('--kubeconfig is required');
  const connection = await loadKubeconfig(flags.kubeconfig);
  const client = new RestClient({ connection, clock, userAgent: 'skiff-scheduler' });
  try {
    if (!flags['leader-elect']) return await runScheduler(client, context);
    const { logger, signal } = context;
    const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
    const identity = `${hostname()}_${randomUUID()}`;
    const lead = (leading: AbortSignal): Promise<void> =>
      runScheduler(client, { logger, signal: leading });
    await runAsLeader({ client, clock, logger, lease, identity }, lead, signal);
  } finally {
    client.close();
  }
});

async function runScheduler(client: Client, { signal, logger }: ProcessContext): Promise<void> {
  const dependencies = { client, clock, logger };
  const recorder = new EventRecorder({ ...dependencies, component: DEFAULT_SCHEDULER_NAME });
  const running = 'status.phase!=Succeeded,status.phase!=Failed';
  const podInformer = new Informer(dependencies, pods, { fieldSelector: running });
  const nodeInformer = new Informer(dependencies, nodes);
  const scheduler = new Scheduler({
    ...dependencies,
    recorder,
    pods: podInformer,
    nodes: nodeInformer,
    frameworks: [new Framework(DEFAULT_SCHEDULER_NAME, defaultProfile(client))],
    tieBreak: tieBreakOf(flags['tie-break'], flags.seed),
  });
  const informing = Promise.all([podInformer.run(signal), nodeInformer.run(signal)]);
  // Ended before the first list: the informers say so by a rejection, which is no failure then.
  await scheduler.run(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  await informing;
  await recorder.close();
}

function tieBreakOf(kind: string, seed: string): TieBreak {
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`--seed is a number, not "${seed}"`);
  if (kind === 'random') return { kind, random: seededRandom(Number(seed)) };
  if (kind === 'heap135' || kind === 'first' || kind === 'name') return { kind };
  throw new Error(`--tie-break is random, first, name or heap135, not "${kind}"`);
}

function logLevelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new Error(`--log-level is debug, info, warn or error, not "${text}"`);
}
