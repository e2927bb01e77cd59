/**
 * The runtime beside Debian's containerd + runc, through the same CRI calls, in turn:
 * `npm run bench -- runtime [--cycles N] [--containers N]`, as root. One cycle is a pod with a network
 * and one container, from RunPodSandbox until it is removed. Then one bare container with runc and
 * crun, how fast ExecSync is, what the runtime's processes take with many containers (PSS), and how
 * fast a chatty container's log is written.
 */

import { parseArgs } from 'node:util';
import { ContainerdNode, containerdIsNotHere } from '../support/containerd-node.ts';
import { IMAGE, startSkiff } from '../support/skiff-runtime.ts';
import { bareContainerMs } from './cri/bare-container.ts';
import { pssWithContainers } from './cri/density.ts';
import { execSyncTimes } from './cri/exec-sync.ts';
import {
  type LifeCycles,
  quantiles,
  quantilesByStep,
  rounded,
  runLifeCycles,
  type Target,
} from './cri/life-cycle.ts';
import { logThroughput } from './cri/log-throughput.ts';

const ROUNDS = 3;
const CONCURRENT = 8;

interface Measured {
  readonly one: readonly LifeCycles[];
  readonly many: readonly LifeCycles[];
}

export async function bench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cycles: { type: 'string', default: '60' },
      containers: { type: 'string', default: '500' },
    },
  });
  const cycles = Math.ceil(Number(values.cycles) / ROUNDS);
  const skiff = await startSkiff();
  try {
    const reference = await besideContainerd(skiff, cycles);
    const exec = await execSyncTimes(skiff, 200);
    const log = await logThroughput(skiff);
    const pss = await pssWithContainers(skiff, Number(values.containers));
    return {
      ...reference,
      execSyncMs: quantiles(exec),
      log,
      [`pssMb${values.containers}`]: pss,
      bareContainerMs: bareContainerMs(),
    };
  } finally {
    await skiff.node.close();
  }
}

/** Blocks of ours and of theirs by turns: what else the machine does hits both. */
async function besideContainerd(skiff: Target, cycles: number): Promise<object> {
  const notHere = containerdIsNotHere();
  if (notHere !== false) {
    process.stdout.write(`no comparison: it ${notHere}\n`);
    const ours = newMeasured();
    await measure(skiff, ours, cycles);
    return { skiff: summary(ours) };
  }
  const containerd = new ContainerdNode(IMAGE);
  await containerd.start();
  try {
    const [ours, theirs] = [newMeasured(), newMeasured()];
    for (let round = 0; round < ROUNDS; round += 1) {
      await measure(skiff, ours, cycles);
      await measure(containerd, theirs, Math.max(5, Math.ceil(cycles / 4)));
    }
    const results = { skiff: summary(ours), containerd: summary(theirs) };
    const containerdExecSyncMs = quantiles(await execSyncTimes(containerd, 50));
    return { ...results, containerdExecSyncMs, ratio: ratios(results.skiff, results.containerd) };
  } finally {
    await containerd.close();
  }
}

function newMeasured(): { one: LifeCycles[]; many: LifeCycles[] } {
  return { one: [], many: [] };
}

async function measure(
  target: Target,
  into: ReturnType<typeof newMeasured>,
  cycles: number,
): Promise<void> {
  into.one.push(await runLifeCycles(target, cycles, 1));
  into.many.push(await runLifeCycles(target, cycles * 2, CONCURRENT));
}

function summary({ one, many }: Measured) {
  const { toRunning, ...steps } = quantilesByStep(one);
  const perSecond = (blocks: readonly LifeCycles[]): number =>
    rounded(blocks.reduce((sum, block) => sum + block.cyclesPerSecond, 0) / blocks.length);
  return {
    toRunningMs: toRunning,
    cyclesPerSecond: { 1: perSecond(one), [CONCURRENT]: perSecond(many) },
    stepsMs: steps,
    stepsMsConcurrent: quantilesByStep(many),
  };
}

function ratios(ours: ReturnType<typeof summary>, theirs: ReturnType<typeof summary>): object {
  const of = (count: 1 | 8): number =>
    rounded(ours.cyclesPerSecond[count] / theirs.cyclesPerSecond[count]);
  return {
    toRunning: rounded(ours.toRunningMs.p50 / theirs.toRunningMs.p50),
    cycles1: of(1),
    cycles8: of(CONCURRENT),
  };
}
