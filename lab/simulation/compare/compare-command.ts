/** `skiff sim compare`: arguments in, a comparison out. Running experiments is handed in. */

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../commands/usage-error.ts';
import type { ExperimentResult } from '../result/run-result.ts';
import { formatComparison, parseOutput } from './output.ts';
import { type Rerun, runComparison, type Step, selectRuns } from './run-comparison.ts';

/** An experiment that can be run, or the results of one that was. */
export type Opened =
  | {
      readonly kind: 'experiment';
      readonly seeds: readonly number[];
      readonly policies: readonly string[];
      readonly rerun: Rerun;
    }
  | { readonly kind: 'results'; readonly results: ExperimentResult };

export interface CompareDeps {
  readonly open: (file: string, signal: AbortSignal) => Promise<Opened>;
  readonly step: Step;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

interface Flags {
  readonly policies?: string;
  readonly baseline?: string;
  readonly seeds?: string;
  readonly tieBreaks: string;
  readonly compact?: string;
  readonly output?: readonly string[];
}

const TIE_BREAKS = ['name', 'first', 'random', 'heap135'] as const;

/** Seeds beyond those of the experiment: enough to make a small difference sure. */
const SEEDS_MAX = 1000;

export function addCompare(sim: Command, deps: CompareDeps): void {
  sim
    .command('compare <file>')
    .description('set policies side by side on the same arrivals (an experiment, or its results)')
    .option('--policies <names>', 'only these, in this order: NAME,NAME,…')
    .option('--baseline <name>', 'the policy that the others are set against (default: the first)')
    .option('--seeds <n>', 'how many seeds (default: those of the experiment)')
    .option(
      '--tie-breaks <rules>',
      'also run with ties broken so: RULE,… of name, first, random, heap135; or none',
      TIE_BREAKS.join(','),
    )
    .option(
      '--compact <percent>',
      'also find how few nodes each policy needs for pods that ask for so much of the cluster (3 seeds)',
    )
    .option(
      '-o, --output <format>',
      'table, csv, json or html=FILE; more than once, each also with =FILE (default table)',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .action(async (file: string, flags: Flags) => compare(file, flags, deps));
}

async function compare(file: string, flags: Flags, deps: CompareDeps): Promise<void> {
  // What was typed wrong is told before anything runs.
  const outputs = (flags.output ?? ['table']).map(parseOutput);
  const tieBreaks = parseTieBreaks(flags.tieBreaks);
  const count =
    flags.seeds === undefined ? undefined : parseCount('--seeds', flags.seeds, SEEDS_MAX);
  const compact =
    flags.compact === undefined
      ? {}
      : { compactPercent: parseCount('--compact', flags.compact, 100) };
  const policies = flags.policies?.split(',').filter((name) => name !== '');
  const opened = await deps.open(file, deps.signal);
  const listed = opened.kind === 'experiment' ? opened.seeds : opened.results.seeds;
  const seeds = count === undefined ? listed : firstSeeds(listed, count, opened.kind);
  const overrides = { seeds, ...(policies === undefined ? {} : { policies }) };
  const names = policies ?? (opened.kind === 'experiment' ? opened.policies : undefined);
  if (names !== undefined && flags.baseline !== undefined && !names.includes(flags.baseline)) {
    throw new UsageError(
      `--baseline ${flags.baseline} is not among the policies: ${names.join(', ')}`,
    );
  }
  const results =
    opened.kind === 'experiment'
      ? await opened.rerun.run(overrides)
      : selectRuns(opened.results, overrides);
  const comparison = await runComparison(
    results,
    {
      ...(flags.baseline === undefined ? {} : { baseline: flags.baseline }),
      tieBreaks,
      ...compact,
      command: commandText(file, flags),
    },
    opened.kind === 'experiment' ? opened.rerun : undefined,
    deps.step,
  );
  for (const { format, file: target } of outputs) {
    const text = formatComparison(comparison, format);
    if (target === undefined) deps.write(text);
    else writeFileSync(target, text);
  }
}

/** The first so many; past the listed ones of an experiment, they count on from the last. */
function firstSeeds(
  listed: readonly number[],
  count: number,
  kind: Opened['kind'],
): readonly number[] {
  if (kind === 'results' && count > listed.length) {
    throw new UsageError(`--seeds ${count}: the results have ${listed.length}`);
  }
  const last = listed.at(-1) ?? 0;
  return Array.from({ length: count }, (_, i) => listed[i] ?? last + 1 + i - listed.length);
}

function parseTieBreaks(text: string): readonly string[] {
  if (text === 'none') return [];
  const rules = text.split(',');
  const wrong = rules.find((rule) => !TIE_BREAKS.some((one) => one === rule));
  if (wrong === undefined) return rules;
  throw new UsageError(`--tie-breaks: "${wrong}" is none of ${TIE_BREAKS.join(', ')}, none`);
}

function parseCount(flag: string, text: string, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= max) return count;
  throw new UsageError(`${flag} ${text}: use a whole number from 1 to ${max}`);
}

/** What repeats it; where the output went does not matter. */
function commandText(
  file: string,
  { policies, baseline, seeds, tieBreaks, compact }: Flags,
): string {
  const words = ['skiff', 'sim', 'compare', file];
  if (policies !== undefined) words.push('--policies', policies);
  if (baseline !== undefined) words.push('--baseline', baseline);
  if (seeds !== undefined) words.push('--seeds', seeds);
  if (tieBreaks !== TIE_BREAKS.join(',')) words.push('--tie-breaks', tieBreaks);
  if (compact !== undefined) words.push('--compact', compact);
  return words.map((word) => (/^[\w./,:=@+-]+$/.test(word) ? word : quoted(word))).join(' ');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
