/** `skiff shadow POLICY`: what a second policy would do with the pods of a live cluster. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { newLogger } from '../../base/logger.ts';
import { TIE_BREAKS } from '../../scheduler/config/configuration.ts';
import { connectTo } from '../cluster/connect.ts';
import { judgementLine, totalLines } from '../shadow/print-shadow.ts';
import { runShadow } from '../shadow/run-shadow.ts';
import { loadShadowPolicy } from '../shadow/shadow-policy.ts';
import { readTime } from '../simulation/experiment/units.ts';
import { addClusterOptions } from '../simulation/recording/recording-commands.ts';

interface ShadowFlags {
  readonly name: string;
  readonly kubeconfig?: string;
  readonly for?: number;
  readonly tieBreak: (typeof TIE_BREAKS)[number];
  readonly seed: number;
  readonly all: boolean;
  readonly output: 'text' | 'json';
}

export function addShadowCommand(program: Command, write: (text: string) => void): void {
  addClusterOptions(
    program
      .command('shadow <policy>')
      .description('let a second policy decide beside the live one, without binding, until Ctrl-C')
      .option('--for <time>', 'end after this long: 90s, 1h30m', timeOf)
      .option('--all', 'tell the decisions that are the same too', false)
      .addOption(
        new Option('--tie-break <rule>', 'of a policy that does not say')
          .choices([...TIE_BREAKS])
          .default('random'),
      )
      .option('--seed <n>', 'of what is random', wholeNumber, 1)
      .addOption(
        new Option('-o, --output <format>', 'json: one object a line')
          .choices(['text', 'json'])
          .default('text'),
      ),
  ).action((policy: string, flags: ShadowFlags) => shadowCommand(policy, flags, write));
}

async function shadowCommand(
  file: string,
  flags: ShadowFlags,
  write: (text: string) => void,
): Promise<void> {
  const { tieBreak: kind, seed, all, output } = flags;
  const tieBreak = kind === 'random' ? { kind, seed } : { kind };
  const policy = await loadShadowPolicy({ policy: file, tieBreak, seed });
  const client = await connectTo(flags);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, end);
  const cancel = flags.for === undefined ? () => undefined : systemClock.schedule(flags.for, end);
  const note = (text: string): void => void process.stderr.write(text);
  const logger = newLogger({ component: 'shadow', level: 'warn', clock: systemClock, write: note });
  let name = '';
  try {
    const totals = await runShadow(
      {
        ...{ client, clock: systemClock, logger, policy, seed },
        onReady: (ready) => {
          name = ready;
          note(`${name} decides in the shadow; end it with Ctrl-C\n`);
        },
        onJudged: (judgement, soFar) => {
          if (!all && judgement.because === undefined) return;
          write(
            output === 'json'
              ? `${JSON.stringify(judgement)}\n`
              : `${judgementLine(name, judgement, soFar)}\n`,
          );
        },
      },
      stop.signal,
    );
    write(output === 'json' ? `${JSON.stringify(totals)}\n` : `${totalLines(totals).join('\n')}\n`);
  } finally {
    cancel();
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
