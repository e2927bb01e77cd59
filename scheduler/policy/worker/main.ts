/**
 * The thread of one policy (see policy-worker.ts, which starts it). Loads the file, says what it is,
 * and then does what it is told, one message after the other.
 */

import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { PolicyError } from '../check-policy.ts';
import { loadPolicy } from '../load-policy.ts';
import type { FromWorker, PolicyFacts, ToWorker, WorkerStart } from './messages.ts';
import { PolicyCore, PolicyFault } from './policy-core.ts';

const MIB = 1024 * 1024;
/** What the scheduler must know of: the rest is done in here. */
const TOLD_POINTS = ['less', 'reserve', 'permit', 'preBind', 'bind', 'postBind'] as const;
const start = workerData as WorkerStart;

function say(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function receive(core: PolicyCore, message: ToWorker): void {
  switch (message.kind) {
    case 'cluster':
      core.apply(message.changes);
      break;
    case 'decide':
      decide(core, message);
      break;
    case 'call':
      void core.call(message.plugin, message.point, message.uid).then(
        (status) =>
          say({ kind: 'returned', id: message.id, ...(status === undefined ? {} : { status }) }),
        (error: unknown) => fault(new PolicyFault(`plugin "${message.plugin}" threw ${error}`)),
      );
      break;
    case 'over':
      core.end(message.point, message.uid);
      break;
  }
}

/** The heap has its own limit; what is held outside of it is looked at here. */
function decide(core: PolicyCore, message: ToWorker & { readonly kind: 'decide' }): void {
  const { id, pod, volumeNodes } = message;
  const outcome = core.decide(pod, volumeNodes);
  const { external_memory: external } = getHeapStatistics();
  if (external > start.externalBytesMax) {
    const mebibytes = Math.round(start.externalBytesMax / MIB);
    throw new PolicyFault(`it holds buffers of more than ${mebibytes} MiB`);
  }
  say({ kind: 'decided', id, outcome });
}

function fault(error: unknown): void {
  const why = error instanceof PolicyFault ? error.message : `it failed: ${String(error)}`;
  say({ kind: 'fault', why });
}

try {
  const policy = await loadPolicy(start.file);
  const core = new PolicyCore(policy, start.seed, {
    allow: (uid, plugin) => say({ kind: 'permit', action: 'allow', uid, plugin, why: '' }),
    reject: (uid, plugin, why) => say({ kind: 'permit', action: 'reject', uid, plugin, why }),
  });
  const { plugins: _, ...facts } = policy;
  const ownPlugins = core.ownPlugins.map((plugin) => ({
    name: plugin.name,
    points: TOLD_POINTS.filter((point) => plugin[point] !== undefined),
  }));
  parentPort?.on('message', (message: ToWorker) => {
    try {
      receive(core, message);
    } catch (error) {
      fault(error);
    }
  });
  say({ kind: 'ready', policy: { ...facts, ownPlugins } satisfies PolicyFacts });
} catch (error) {
  const isKnown = error instanceof PolicyError;
  say({ kind: 'broken', message: isKnown ? error.message : `${start.file}: ${String(error)}` });
}
