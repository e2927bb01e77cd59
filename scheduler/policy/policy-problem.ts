/** Whether a policy file is a good one, found out in a thread of its own, as the scheduler loads it. */

import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { PolicyStopped, PolicyWorker, WORKER_LIMITS } from './worker/policy-worker.ts';

/** One line that says what is wrong; undefined: nothing is. */
export async function policyProblem(file: string, clock: Clock): Promise<string | undefined> {
  const options = { file, seed: 1, limits: WORKER_LIMITS, clock, logger: silentLogger };
  const worker = new PolicyWorker({ ...options, onPermit: () => undefined });
  try {
    await worker.ready;
    return undefined;
  } catch (error) {
    if (!(error instanceof PolicyStopped)) throw error;
    return error.isBroken ? error.message : `${file}: ${error.message}`;
  } finally {
    await worker.stop('it was only looked at');
  }
}
