/**
 * How fast a chatty container's output gets into its log, and that all of it does. The container writes
 * as fast as it is let; the log is read afterwards and its contents counted.
 */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { SkiffTarget } from '../../support/skiff-runtime.ts';
import { rounded, type Target } from './life-cycle.ts';

/** 80 bytes with the newline. */
const LINE = 'x'.repeat(79);
const LINES = 4_000_000;

export interface LogThroughput {
  readonly mbPerSecond: number;
  /** Without anything that reads it in between: the same program, into a file. */
  readonly floorMbPerSecond: number;
  readonly linesLost: number;
}

export async function logThroughput(target: SkiffTarget): Promise<LogThroughput> {
  const { client, pods } = target;
  const sandbox = await pods.runSandbox();
  const chat = `yes ${LINE} | head -n ${LINES}`;
  const floorMs = await secondsToEnd(target, sandbox, 'floor', `${chat} > /tmp/out; rm /tmp/out`);
  const logMs = await secondsToEnd(target, sandbox, 'chatty', chat);
  const { containers } = await client.listContainers({});
  const chatty = containers.find(({ metadata }) => metadata?.name === 'chatty');
  const { log_path } = await pods.status(chatty?.id ?? '');
  const lines = await countLines(log_path);
  await client.removePodSandbox({ pod_sandbox_id: sandbox });
  const megabytes = (LINES * (LINE.length + 1)) / 1e6;
  return {
    mbPerSecond: rounded(megabytes / logMs),
    floorMbPerSecond: rounded(megabytes / floorMs),
    linesLost: LINES - lines,
  };
}

/** From the container's own times, which the runtime reports in nanoseconds. */
async function secondsToEnd(
  { pods }: Target,
  sandbox: string,
  name: string,
  script: string,
): Promise<number> {
  const changes = {
    metadata: { name, attempt: 0 },
    log_path: `${name}.log`,
  };
  const id = await pods.startContainer(
    sandbox,
    ['/bin/sh', '-c', `mkdir -p /tmp; ${script}`],
    changes,
  );
  const { started_at, finished_at, exit_code } = await pods.waitForExit(id);
  if (exit_code !== 0) throw new Error(`The container ended with ${exit_code}`);
  return Number(BigInt(finished_at) - BigInt(started_at)) / 1e9;
}

async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.endsWith(` stdout F ${LINE}`)) count += 1;
  }
  return count;
}
