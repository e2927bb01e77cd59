/** `skiff sim record` and `skiff sim replay`: a cluster's arrivals, and what another policy had made of them. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Clock } from '../../../base/clock.ts';
import { type Logger, newLogger } from '../../../base/logger.ts';
import type { Client } from '../../../client/client.ts';
import type { PolicySpec } from '../experiment/experiment.ts';
import { readTime } from '../experiment/units.ts';
import { replayLines } from './print-replay.ts';
import { record } from './record.ts';
import { formatRecording, readRecording } from './recording.ts';
import { replay } from './replay.ts';

export interface RecordingDeps {
  readonly clock: Clock;
  readonly write: (text: string) => void;
  readonly note: (text: string) => void;
  /** To a lab, or by a kubeconfig. Close it in the end. */
  readonly connect: (where: ClusterFlags) => Promise<Client & { close(): void }>;
  /** Aborted at the first Ctrl-C. */
  readonly interrupted: () => AbortSignal;
}

export interface ClusterFlags {
  readonly name: string;
  readonly kubeconfig?: string;
}

export interface PolicyFlags {
  readonly policy?: string;
  readonly profile?: string;
}

interface RecordFlags extends ClusterFlags {
  readonly output: string;
  readonly for?: number;
}

interface ReplayFlags extends PolicyFlags {
  readonly tieBreak: (typeof TIE_BREAKS)[number];
  readonly seed: number;
  readonly output: 'table' | 'json';
}

const TIE_BREAKS = ['random', 'name', 'first', 'heap135'] as const;

export function addRecordingCommands(sim: Command, deps: RecordingDeps): void {
  addClusterOptions(
    sim
      .command('record')
      .description("write down a cluster's nodes and pods as they come, until Ctrl-C")
      .requiredOption('-o, --output <file>', 'the recording')
      .option('--for <time>', 'end after this long: 90s, 1h30m', timeOf),
  ).action(async (flags: RecordFlags) => recordCommand(flags, deps));
  sim
    .command('replay <recording>')
    .description('what would have happened under another policy, beside what did')
    .option('--policy <file>', 'a policy in TypeScript (default: the default profile)')
    .option('--profile <file>', 'the first profile of a KubeSchedulerConfiguration')
    .addOption(
      new Option('--tie-break <rule>', 'of a policy that does not say')
        .choices([...TIE_BREAKS])
        .default('random'),
    )
    .option('--seed <n>', 'of what is random', wholeNumber, 1)
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(async (file: string, flags: ReplayFlags) => {
      const { tieBreak, seed, output } = flags;
      const policy = policySpecOf(flags);
      const result = await replay(readRecording(file), { policy, tieBreak, seed }, deps.clock);
      deps.write(
        output === 'json'
          ? `${JSON.stringify(result)}\n`
          : `${replayLines(result, { file }).join('\n')}\n`,
      );
    });
}

export function addClusterOptions(command: Command): Command {
  return command
    .option('--name <name>', 'the lab to watch', 'skiff')
    .option('--kubeconfig <file>', 'another cluster than a lab');
}

/** Throws when both are given. */
export function policySpecOf({ policy, profile }: PolicyFlags): PolicySpec {
  if (policy !== undefined && profile !== undefined) {
    throw new InvalidArgumentError('--policy and --profile exclude each other: give one');
  }
  const description = '';
  if (policy !== undefined) {
    const parameters = { values: {}, typicalPods: [] };
    return { name: nameOf(policy), description, kind: 'file', file: policy, parameters };
  }
  if (profile !== undefined)
    return { name: nameOf(profile), description, kind: 'profile', file: profile };
  return { name: 'default', description, kind: 'default' };
}

/** `best-fit` of `policies/best-fit.ts`. */
function nameOf(file: string): string {
  return path.basename(file).replace(/\.[^.]*$/, '');
}

/** For what informers have to say: only failures, on standard error. */
export function quietLogger({ clock, note }: Pick<RecordingDeps, 'clock' | 'note'>): Logger {
  return newLogger({ component: 'sim', level: 'warn', clock, write: note });
}

async function recordCommand(flags: RecordFlags, deps: RecordingDeps): Promise<void> {
  const { clock, note } = deps;
  const client = await deps.connect(flags);
  try {
    const stop = deps.interrupted();
    const timeUp = new AbortController();
    const cancel =
      flags.for === undefined ? () => undefined : clock.schedule(flags.for, () => timeUp.abort());
    const onReady = (nodes: number, pods: number): void =>
      note(`recording: ${nodes} nodes and ${pods} pods are there; end it with Ctrl-C\n`);
    const logger = quietLogger(deps);
    const signal = AbortSignal.any([stop, timeUp.signal]);
    const recording = await record({ client, clock, logger, onReady }, signal);
    cancel();
    writeFileSync(flags.output, formatRecording(recording));
    const came = recording.pods.filter(({ isPlaced }) => !isPlaced);
    const bound = came.filter(({ node }) => node !== undefined);
    deps.write(
      `${flags.output}: ${recording.nodes.length} nodes, ${came.length} pods came in ` +
        `${(recording.durationMs / 1_000).toFixed(1)} s, ${bound.length} got a node\n`,
    );
  } finally {
    client.close();
  }
}

function timeOf(text: string): number {
  const ms = readTime(text);
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('use a time such as 90s');
  return ms;
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('use a whole number');
}
