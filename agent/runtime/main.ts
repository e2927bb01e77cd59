/**
 * The container runtime of one node, a CRI server: `skiff runtime --socket PATH --run-dir DIR
 * --data-dir DIR --image-dir DIR --cgroup-root PATH --pod-cidr CIDR [--registry-config FILE]
 * [--cni-conf-dir DIR [--cni-bin-dir DIR[:DIR…]]]`. It runs in the node's network namespace. It starts the node's spawner when none answers; containers and spawner outlive it.
 */

import { enableCompileCache, flushCompileCache } from 'node:module';

enableCompileCache();

const { parseArgs } = await import('node:util');
const { parsedOrUsage } = await import('../../base/flags.ts');
const { runProcess } = await import('../../base/process-lifetime.ts');
const { systemClock } = await import('../../base/clock.ts');
const { runRuntime } = await import('./cri/run-runtime.ts');

const { values } = parsedOrUsage('runtime', () =>
  parseArgs({
    options: {
      socket: { type: 'string' },
      'run-dir': { type: 'string' },
      'data-dir': { type: 'string' },
      'image-dir': { type: 'string' },
      'cgroup-root': { type: 'string' },
      'pod-cidr': { type: 'string' },
      'registry-config': { type: 'string' },
      'cni-conf-dir': { type: 'string' },
      // Debian's, and where most others put them.
      'cni-bin-dir': { type: 'string', default: '/usr/lib/cni:/opt/cni/bin' },
      'log-level': { type: 'string', default: 'info' },
    },
  }),
);

const levels = ['debug', 'info', 'warn', 'error'] as const;
const level = levels.find((name) => name === values['log-level']) ?? usage('--log-level');

await runProcess('runtime', level, ({ signal, logger }) =>
  runRuntime(
    {
      socket: values.socket ?? usage('--socket'),
      runDir: values['run-dir'] ?? usage('--run-dir'),
      dataDir: values['data-dir'] ?? usage('--data-dir'),
      imageDir: values['image-dir'] ?? usage('--image-dir'),
      cgroupRoot: values['cgroup-root'] ?? usage('--cgroup-root'),
      podCidr: values['pod-cidr'] ?? usage('--pod-cidr'),
      registryConfig: values['registry-config'],
      cni: cniOptions(values['cni-conf-dir'], values['cni-bin-dir']),
    },
    systemClock,
    logger,
    signal,
    // Now: who is killed never gets to it, and would strip types anew at each start.
    flushCompileCache,
  ),
);

function cniOptions(configFolder: string | undefined, pluginFolders: string) {
  if (configFolder === undefined) return undefined;
  return { configFolder, pluginFolders: pluginFolders.split(':') };
}

function usage(flag: string): never {
  process.stderr.write(`skiff runtime: ${flag} is missing or not valid\n`);
  process.exit(2);
}
