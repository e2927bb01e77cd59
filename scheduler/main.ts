/**
 * `skiff scheduler`: gives pods nodes. Flags: `--kubeconfig FILE` `--log-level LEVEL`
 * `--leader-elect` (several instances: one works) `--tie-break heap135|first|name`.
 */

import { enableCompileCache } from 'node:module';

enableCompileCache();

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock as clock } from '../base/clock.ts';
import type { LogLevel } from '../base/logger.ts';
import { type ProcessContext, runProcess } from '../base/process-lifetime.ts';
import { EventRecorder } from '../client/event-recorder.ts';
import { Informer } from '../client/informer.ts';
import { loadKubeconfig } from '../client/kubeconfig.ts';
import { runAsLeader } from '../client/leader-election.ts';
import { RestClient } from '../client/rest-client.ts';
import { nodes, pods } from '../proto/api/gen/resources.ts';
import { DEFAULT_SCHEDULER_NAME, defaultProfile } from './default-profile.ts';
import { Framework } from './framework/framework.ts';
import { Scheduler } from './scheduler.ts';

const { values: flags } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    'log-level': { type: 'string', default: 'info' },
    'leader-elect': { type: 'boolean', default: false },
    'tie-break': { type: 'string', default: 'heap135' },
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

async function runScheduler(client: RestClient, { signal, logger }: ProcessContext): Promise<void> {
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
    tieBreak: { kind: tieBreakOf(flags['tie-break']) },
  });
  const informing = Promise.all([podInformer.run(signal), nodeInformer.run(signal)]);
  // Ended before the first list: the informers say so by a rejection, which is no failure then.
  await scheduler.run(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  await informing;
  await recorder.close();
}

function tieBreakOf(text: string): 'heap135' | 'first' | 'name' {
  if (text === 'heap135' || text === 'first' || text === 'name') return text;
  throw new Error(`--tie-break is heap135, first or name, not "${text}"`);
}

function logLevelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new Error(`--log-level is debug, info, warn or error, not "${text}"`);
}
