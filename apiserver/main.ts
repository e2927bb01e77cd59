/** `skiff apiserver`: reads the flags, opens the store, and serves until it is told to stop. */

import { enableCompileCache } from 'node:module';

enableCompileCache();

const { parseArgs } = await import('node:util');
const { systemClock } = await import('../base/clock.ts');
const { runProcess } = await import('../base/process-lifetime.ts');
const { parseFlags, USAGE } = await import('./flags.ts');
const { ensureClusterPki } = await import('./auth/pki.ts');
const { apiDefinition } = await import('./registry/catalog.ts');
const { systemRandomness } = await import('./random.ts');
const { ApiServer } = await import('./server.ts');
const { openStorage } = await import('./storage/open-storage.ts');

const flags = parseFlags(process.argv.slice(2), parseArgs);
if (flags.kind === 'usage') {
  process.stderr.write(`skiff apiserver: ${flags.problem}\n${USAGE}`);
  process.exit(2);
}
const { options } = flags;

await runProcess('apiserver', options.logLevel, async ({ signal, logger }) => {
  const clock = systemClock;
  const pki = await ensureClusterPki(options.pkiDir, {
    sans: [options.bindAddress, ...options.tlsSans],
    nowMs: clock.wallMs(),
  });
  const failing = new AbortController();
  const onFailure = (failure: Error): void => failing.abort(failure);
  const storage = await openStorage(options.storage, { clock, logger, onFailure });
  try {
    const server = new ApiServer({
      storage,
      pki,
      clock,
      logger,
      random: systemRandomness,
      define: apiDefinition,
      address: options.bindAddress,
      port: options.securePort,
      serviceCidr: options.serviceCidr,
    });
    const { address, port } = await server.listen();
    logger.info('Started serving', { address, port });
    await server.run(AbortSignal.any([signal, failing.signal]));
    // The supervisor starts the server again, and that opens the store again.
    failing.signal.throwIfAborted();
  } finally {
    await storage.close();
  }
});
