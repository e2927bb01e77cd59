import { openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { storageConformance } from '../../conformance/storage.ts';
import { startEtcd } from '../../support/etcd-server.ts';

storageConformance('etcd', 'keeps its data', async () => {
  const etcd = await startEtcd();
  const watchBufferEvents = 200;
  const options = {
    endpoints: [etcd.endpoint],
    clock: systemClock,
    logger: silentLogger,
    watchBufferEvents,
  };
  const harness = {
    storage: await openEtcdStorage(options),
    watchBufferEvents,
    elapse: async () => undefined,
    reopen: async () => {
      await harness.storage.close();
      harness.storage = await openEtcdStorage(options);
      return harness.storage;
    },
    dispose: async () => {
      await harness.storage.close();
      await etcd.dispose();
    },
  };
  return harness;
});
