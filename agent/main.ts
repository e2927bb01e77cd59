/**
 * `skiff agent`: the kubelet of one node. Flags: `--kubeconfig FILE` `--node-name N` `--node-ip IP`
 * `--port N` `--pki-dir DIR` (`ca.crt`, `N.crt`, `N.key`) `--data-dir DIR`
 * `--runtime-endpoint unix://PATH` `--cgroup-root PATH` `--pod-cidr CIDR` `--cpu-milli N`
 * `--memory-bytes N` `--max-pods N` `--log-level LEVEL`.
 */

import { enableCompileCache } from 'node:module';

enableCompileCache();

// Static imports would be loaded before the cache is there.
const { mkdir, readFile } = await import('node:fs/promises');
const os = await import('node:os');
const path = await import('node:path');
const { parseArgs } = await import('node:util');
const { systemClock: clock } = await import('../base/clock.ts');
const { parsedOrUsage } = await import('../base/flags.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { loadKubeconfig } = await import('../client/kubeconfig.ts');
const { RestClient } = await import('../client/rest-client.ts');
const { newCriClient } = await import('../proto/cri/client.ts');
const { runAgent } = await import('./agent.ts');
const { runTool } = await import('./run-tool.ts');

const { values: flags } = parsedOrUsage('agent', () =>
  parseArgs({
    options: {
      kubeconfig: { type: 'string' },
      'node-name': { type: 'string' },
      'node-ip': { type: 'string' },
      port: { type: 'string', default: '10250' },
      'pki-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      'runtime-endpoint': { type: 'string' },
      'cgroup-root': { type: 'string', default: '/' },
      'pod-cidr': { type: 'string' },
      'cpu-milli': { type: 'string' },
      'memory-bytes': { type: 'string' },
      'max-pods': { type: 'string', default: '110' },
      'log-level': { type: 'string', default: 'info' },
    },
  }),
);

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const level = LOG_LEVELS.find((each) => each === flags['log-level']) ?? 'info';

await runProcess('agent', level, async ({ signal, logger }) => {
  const pkiDir = required('pki-dir');
  const nodeName = required('node-name');
  const dataDir = required('data-dir');
  const connection = await loadKubeconfig(required('kubeconfig'));
  const pem = (file: string): Promise<Buffer> => readFile(path.join(pkiDir, file));
  const [ca, cert, key] = await Promise.all([
    pem('ca.crt'),
    pem(`${nodeName}.crt`),
    pem(`${nodeName}.key`),
    mkdir(dataDir, { recursive: true }),
  ]);
  const client = new RestClient({ connection, clock, userAgent: 'kubelet' });
  const cri = newCriClient(required('runtime-endpoint'), clock);
  try {
    await runAgent(
      {
        ...{ client, cri, clock, logger, runTool, nodeName, dataDir, tls: { ca, cert, key } },
        nodeIp: required('node-ip'),
        port: number('port', 0),
        cgroupRoot: required('cgroup-root'),
        podCidr: required('pod-cidr'),
        cpuMilli: number('cpu-milli', os.availableParallelism() * 1000),
        memoryBytes: number('memory-bytes', os.totalmem()),
        maxPods: number('max-pods', 110),
      },
      signal,
    );
  } finally {
    cri.close();
    client.close();
  }
});

type Flag = keyof typeof flags;

function required(name: Flag): string {
  const value = flags[name];
  if (value === undefined || value === '') throw new Error(`--${name} is required`);
  return value;
}

function number(name: Flag, fallback: number): number {
  const text = flags[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) {
    throw new Error(`--${name} is not a whole number: "${text}"`);
  }
  return value;
}
