/**
 * `skiff controllers`: all controllers in one process. Flags: `--kubeconfig FILE` `--pki-dir DIR` (for
 * `ca.crt`) `--node-monitor-grace-period-seconds N` `--log-level LEVEL` `--leader-elect` (several
 * instances: one works).
 */

import { enableCompileCache } from 'node:module';
import type { LogLevel } from '../base/logger.ts';
import type { ProcessContext } from '../base/process-lifetime.ts';

enableCompileCache();

const { randomUUID } = await import('node:crypto');
const { readFile } = await import('node:fs/promises');
const { hostname } = await import('node:os');
const path = await import('node:path');
const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../base/clock.ts');
const { parsedOrUsage } = await import('../base/flags.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { loadKubeconfig } = await import('../client/kubeconfig.ts');
const { runAsLeader } = await import('../client/leader-election.ts');
const { RestClient } = await import('../client/rest-client.ts');
const { runControllers } = await import('./run-controllers.ts');

/** As kube-controller-manager's `--node-monitor-grace-period`. */
const GRACE_SECONDS = '50';

const { values: flags } = parsedOrUsage('controllers', () =>
  parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      'pki-dir': { type: 'string' },
      'node-monitor-grace-period-seconds': { type: 'string', default: GRACE_SECONDS },
      'log-level': { type: 'string', default: 'info' },
      'leader-elect': { type: 'boolean', default: false },
    },
  }),
);

await runProcess('controllers', logLevelOf(flags['log-level']), async ({ signal, logger }) => {
  if (flags.kubeconfig === undefined) throw new Error('--kubeconfig is required');
  if (flags['pki-dir'] === undefined) throw new Error('--pki-dir is required');
  const connection = await loadKubeconfig(flags.kubeconfig);
  const rootCa = await readFile(path.join(flags['pki-dir'], 'ca.crt'), 'utf8');
  const nodeGraceMs = secondsOf(flags['node-monitor-grace-period-seconds']) * 1000;
  const client = new RestClient({ connection, clock, userAgent: 'skiff-controllers' });
  const run = (context: ProcessContext): Promise<void> =>
    runControllers({ client, clock, logger, rootCa, nodeGraceMs }, context.signal);
  try {
    if (!flags['leader-elect']) return await run({ signal, logger });
    const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };
    const identity = `${hostname()}_${randomUUID()}`;
    const lead = (leading: AbortSignal): Promise<void> => run({ signal: leading, logger });
    await runAsLeader({ client, clock, logger, lease, identity }, lead, signal);
  } finally {
    client.close();
  }
});

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new Error(`--node-monitor-grace-period-seconds is a positive number, not "${text}"`);
}

function logLevelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new Error(`--log-level is debug, info, warn or error, not "${text}"`);
}
