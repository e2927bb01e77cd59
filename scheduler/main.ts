/**
 * `skiff scheduler`: gives pods nodes. Flags: `--kubeconfig FILE` `--log-level LEVEL`
 * `--leader-elect` (several instances: one works) `--tie-break random|first|name|heap135` `--seed N` (for
 * random ties: the same pods in the same order get the same nodes).
 */

import { enableCompileCache } from 'node:module';
import type { LogLevel } from '../base/logger.ts';
import type { TieBreak } from './select-node.ts';

enableCompileCache();

const { randomUUID } = await import('node:crypto');
const { hostname } = await import('node:os');
const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../base/clock.ts');
const { parsedOrUsage } = await import('../base/flags.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { loadKubeconfig } = await import('../client/kubeconfig.ts');
const { runAsLeader } = await import('../client/leader-election.ts');
const { RestClient } = await import('../client/rest-client.ts');
const { runScheduler } = await import('./run-scheduler.ts');
const { seededRandom } = await import('./seeded-random.ts');

const { values: flags } = parsedOrUsage('scheduler', () =>
  parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      'leader-elect': { type: 'boolean', default: false },
      // Upstream's up to 1.34. Of its successor's rule the first node gets all pods without requests.
      'tie-break': { type: 'string', default: 'random' },
      seed: { type: 'string', default: '1' },
    },
  }),
);

await runProcess('scheduler', logLevelOf(flags['log-level']), async ({ signal, logger }) => {
  if (flags.kubeconfig === undefined) throw new Error('--kubeconfig is required');
  const tieBreak = tieBreakOf(flags['tie-break'], flags.seed);
  const connection = await loadKubeconfig(flags.kubeconfig);
  const client = new RestClient({ connection, clock, userAgent: 'skiff-scheduler' });
  const run = (until: AbortSignal): Promise<void> =>
    runScheduler({ client, clock, logger, tieBreak }, until);
  try {
    if (!flags['leader-elect']) return await run(signal);
    const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
    const identity = `${hostname()}_${randomUUID()}`;
    await runAsLeader({ client, clock, logger, lease, identity }, run, signal);
  } finally {
    client.close();
  }
});

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
