import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedStorage } from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { storageConformance } from '../../conformance/storage.ts';

storageConformance('The embedded store', 'keeps its data', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-'));
  const watchBufferEvents = 200;
  const options = { dir, clock: systemClock, logger: silentLogger, watchBufferEvents };
  const harness = {
    storage: openEmbeddedStorage(options),
    watchBufferEvents,
    elapse: async () => undefined,
    reopen: async () => {
      await harness.storage.close();
      harness.storage = openEmbeddedStorage(options);
      return harness.storage;
    },
    dispose: async () => {
      await harness.storage.close();
      rmSync(dir, { recursive: true });
    },
  };
  return harness;
});
