/** The thread that makes runs of an experiment: a task in, a result out, until the parent ends it. */

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../../base/clock.ts';
import { RunMaker } from '../run-plan.ts';
import { readTask, readWorkerStart, type WorkerAnswer } from './messages.ts';

const { experiment, inputs } = readWorkerStart(workerData);
const maker = new RunMaker(experiment, inputs, systemClock);
const answer = (message: WorkerAnswer): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: unknown) => {
  const task = readTask(message);
  maker.make(task).then(
    (result) => answer({ kind: 'result', task, result }),
    (error: unknown) =>
      answer({ kind: 'failed', task, why: error instanceof Error ? error.message : String(error) }),
  );
});
