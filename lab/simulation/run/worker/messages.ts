/** What the main thread and a worker say to each other. Both are of one process and one version. */

import type { Experiment } from '../../experiment/experiment.ts';
import type { RunResult } from '../../result/run-result.ts';
import type { Inputs } from '../../workload/scenario-of.ts';
import type { RunTask } from '../run-plan.ts';

export interface WorkerStart {
  readonly experiment: Experiment;
  readonly inputs: Inputs;
}

export type WorkerAnswer =
  | { readonly kind: 'result'; readonly task: RunTask; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly task: RunTask; readonly why: string };

// Structured clones of what this process has sent: the types hold.
export function readWorkerStart(data: unknown): WorkerStart {
  return data as WorkerStart;
}

export function readTask(data: unknown): RunTask {
  return data as RunTask;
}

export function readAnswer(data: unknown): WorkerAnswer {
  return data as WorkerAnswer;
}
