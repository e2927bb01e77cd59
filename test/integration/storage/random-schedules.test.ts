import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openEmbeddedStorage } from '../../../apiserver/storage/embedded/embedded-storage.ts';
import { openEtcdStorage } from '../../../apiserver/storage/etcd/etcd-storage.ts';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { startEtcd } from '../../support/etcd-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { TEST_DEADLINE_MS } from '../../support/storage-harness.ts';
import { runSchedule, schedules } from '../../support/storage-schedule.ts';

describe('a random schedule of calls', () => {
  it('has the same answers from the embedded store and the model', async () => {
    await fc.assert(
      fc.asyncProperty(schedules({ isTimed: true }), async (schedule) => {
        const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-random-'));
        const clock = new FakeClock();
        const storage = openEmbeddedStorage({ dir, clock, logger: silentLogger });
        const model = new MemoryStorage({ clock });
        const elapseSecond = async (): Promise<void> => {
          await clock.advance(1000);
          const deadline = AbortSignal.timeout(TEST_DEADLINE_MS);
          while ((await storage.currentRevision()) < (await model.currentRevision())) {
            assert.ok(!deadline.aborted, 'Expired keys were not deleted');
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        try {
          await runSchedule({ storage, model, root: '/r/', elapseSecond }, schedule);
        } finally {
          await Promise.all([storage.close(), model.close()]);
          rmSync(dir, { recursive: true });
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has the same answers from etcd and the model', async () => {
    const etcd = await startEtcd();
    const endpoints = [etcd.endpoint];
    const options = { endpoints, clock: systemClock, logger: silentLogger };
    const storage = await openEtcdStorage(options);
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(schedules({ isTimed: false }), async (schedule) => {
          run += 1;
          const model = new MemoryStorage({ clock: systemClock });
          const root = `/r${run}/`;
          await runSchedule(
            { storage, model, root, elapseSecond: async () => undefined },
            schedule,
          );
          await model.close();
        }),
        { numRuns: 25 },
      );
    } finally {
      await storage.close();
      await etcd.dispose();
    }
  });
});
