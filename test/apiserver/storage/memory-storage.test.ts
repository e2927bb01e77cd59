import { storageConformance } from '../../conformance/storage.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';

storageConformance('The model in memory', 'forgets', async () => {
  const clock = new FakeClock();
  const watchBufferEvents = 50;
  const storage = new MemoryStorage({ clock, watchBufferEvents });
  return {
    storage,
    watchBufferEvents,
    elapse: (ms) => clock.advance(ms),
    dispose: () => storage.close(),
  };
});
