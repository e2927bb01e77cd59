/** What policies ask of the scheduler that they belong to. */

import type { SchedulerCache } from '../cache/cache.ts';
import type { SchedulingQueue } from '../queue/scheduling-queue.ts';
import type { SchedulerOptions } from '../scheduler-options.ts';
import type { WaitingPods } from '../waiting-pods.ts';
import type { PolicyHost } from './policies.ts';

export function newPolicyHost(scheduler: {
  readonly pods: SchedulerOptions['pods'];
  readonly queue: SchedulingQueue;
  readonly waiting: WaitingPods;
  readonly cache: SchedulerCache;
}): PolicyHost {
  const { pods, queue, waiting, cache } = scheduler;
  return {
    adopt: (schedulerName) => {
      for (const pod of pods.list()) {
        if (pod.spec.schedulerName === schedulerName && !pod.spec.nodeName) queue.add(pod);
      }
    },
    allow: (uid, plugin) => waiting.allow(uid, plugin),
    reject: (uid, plugin, why) => waiting.reject(uid, plugin, why),
    snapshot: () => cache.snapshot(),
  };
}
