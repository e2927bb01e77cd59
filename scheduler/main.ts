/**
 * `skiff scheduler`: gives pods nodes. Flags: `--kubeconfig FILE` `--log-level LEVEL`
 * `--config FILE` (a KubeSchedulerConfiguration, docs/scheduler.md; what it says goes before flags)
 * `--leader-elect` (several instances: one works) `--tie-break random|first|name|heap135` `--seed N` (for
 * random ties: the same pods in the same order get the same nodes) `--policy FILE` (may be given several
 * times: a policy in TypeScript, docs/scheduling-lab.md; saved again, it is loaded again)
 * `--secure-port N` `--bind-address IP` `--pki-dir DIR` (answers `skiff why` and `skiff policy ls` over
 * HTTPS; DIR has `ca.crt`, `scheduler.crt`, `scheduler.key`).
 */

import { enableCompileCache } from 'node:module';
import type { LogLevel } from '../base/logger.ts';
import { TIE_BREAKS, type TieBreakChoice } from './config/configuration.ts';
import type { RunSchedulerOptions } from './run-scheduler.ts';

enableCompileCache();

const { randomUUID } = await import('node:crypto');
const { readFile } = await import('node:fs/promises');
const { hostname } = await import('node:os');
const { default: path } = await import('node:path');
const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../base/clock.ts');
const { parsedOrUsage } = await import('../base/flags.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { loadKubeconfig } = await import('../client/kubeconfig.ts');
const { runAsLeader } = await import('../client/leader-election.ts');
const { RestClient } = await import('../client/rest-client.ts');
const { runScheduler } = await import('./run-scheduler.ts');
const { tieBreakOf } = await import('./config/frameworks-of.ts');
const { loadConfiguration } = await import('./config/load-configuration.ts');

const { values: flags } = parsedOrUsage('scheduler', () =>
  parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      config: { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      'leader-elect': { type: 'boolean', default: false },
      // Upstream's up to 1.34. Of its successor's rule the first node gets all pods without requests.
      'tie-break': { type: 'string', default: 'random' },
      seed: { type: 'string', default: '1' },
      policy: { type: 'string', multiple: true, default: [] },
      'bind-address': { type: 'string', default: '127.0.0.1' },
      // Upstream's is 10259, always open; here only who has the certificates opens it.
      'secure-port': { type: 'string' },
      'pki-dir': { type: 'string' },
    },
  }),
);

const { configuration, tieBreak } = parsedOrUsage('scheduler', () => ({
  configuration: flags.config === undefined ? undefined : loadConfiguration(flags.config),
  tieBreak: tieBreakOf(choiceOf(flags['tie-break'], flags.seed)),
}));

await runProcess('scheduler', logLevelOf(flags['log-level']), async ({ signal, logger }) => {
  if (flags.kubeconfig === undefined) throw new Error('--kubeconfig is required');
  const connection = await loadKubeconfig(flags.kubeconfig);
  const client = new RestClient({ connection, clock, userAgent: 'skiff-scheduler' });
  for (const field of configuration?.withoutEffect ?? []) {
    logger.warn('A field of the configuration has no effect', { field });
  }
  const policies = { files: flags.policy, seed: Number(flags.seed) };
  const server = await serverOf(flags);
  const options = {
    ...{ client, clock, logger, tieBreak, policies },
    ...(server === undefined ? {} : { server }),
  };
  const run = (until: AbortSignal): Promise<void> =>
    runScheduler(configuration === undefined ? options : { ...options, configuration }, until);
  try {
    if (!(configuration?.leaderElect ?? flags['leader-elect'])) return await run(signal);
    const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
    const identity = `${hostname()}_${randomUUID()}`;
    await runAsLeader({ client, clock, logger, lease, identity }, run, signal);
  } finally {
    client.close();
  }
});

/** Undefined: it answers nobody. */
async function serverOf(given: {
  readonly 'bind-address': string;
  readonly 'secure-port'?: string;
  readonly 'pki-dir'?: string;
}): Promise<RunSchedulerOptions['server']> {
  const { 'bind-address': address, 'secure-port': port, 'pki-dir': dir } = given;
  if (port === undefined) return undefined;
  if (!/^\d{1,5}$/.test(port)) throw new Error(`--secure-port is a port, not "${port}"`);
  if (dir === undefined)
    throw new Error('--secure-port needs --pki-dir with ca.crt, scheduler.crt and scheduler.key');
  const read = (name: string): Promise<string> => readFile(path.join(dir, name), 'utf8');
  const [caPem, certificatePem, keyPem] = await Promise.all([
    read('ca.crt'),
    read('scheduler.crt'),
    read('scheduler.key'),
  ]);
  return { address, port: Number(port), caPem, certificatePem, keyPem };
}

function choiceOf(text: string, seed: string): TieBreakChoice {
  if (!/^\d{1,9}$/.test(seed)) throw new Error(`--seed is a number, not "${seed}"`);
  const kind = TIE_BREAKS.find((each) => each === text);
  if (kind === undefined) {
    throw new Error(`--tie-break is random, first, name or heap135, not "${text}"`);
  }
  return kind === 'random' ? { kind, seed: Number(seed) } : { kind };
}

function logLevelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new Error(`--log-level is debug, info, warn or error, not "${text}"`);
}
