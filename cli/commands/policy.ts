/** `skiff policy ls` and `skiff policy new`: scheduling policies in TypeScript files. */

import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { PolicyReport } from '../../proto/scheduler/explanation.ts';
import { POLICY_NAME, starterFiles } from '../manifests/policy-starter.ts';
import { alignColumns } from '../printers/table.ts';
import { askScheduler, type SchedulerFlags } from '../scheduler/ask-scheduler.ts';
import { CliUsageError, type Session } from '../session.ts';
import type { Runner } from './program.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

interface ListFlags extends SchedulerFlags {
  readonly output?: string;
}

interface NewFlags {
  readonly dir: string;
}

export function addPolicy(program: Command, run: Runner): void {
  const policy = program
    .command('policy')
    .description('scheduling policies in TypeScript: new, ls');
  policy
    .command('ls')
    .description('the policies of the scheduler, and whether they run')
    .option('-o, --output <format>', 'json')
    .option('--scheduler <url>', "where the scheduler answers (default: the API server's host)")
    .action(run((session, flags: ListFlags) => list(session, flags)));
  policy
    .command('new <name>')
    .description('write a documented policy to start from, and a test of it')
    .option('--dir <folder>', 'where', '.')
    .action(async (name: string, flags: NewFlags) => {
      process.stdout.write(await writeStarter(name, flags.dir));
    });
}

async function list(session: Session, flags: ListFlags): Promise<void> {
  const { output } = flags;
  if (output !== undefined && output !== 'json') {
    throw new CliUsageError(`-o ${output} is not supported: use json`);
  }
  const { items } = (await askScheduler(session, '/policies/v1', flags)) as {
    readonly items: readonly PolicyReport[];
  };
  if (output === 'json') session.out(`${JSON.stringify({ items }, null, 2)}\n`);
  else if (items.length === 0) session.err('The scheduler has no policies (--policy FILE).\n');
  else for (const line of alignColumns(rowsOf(items))) session.out(`${line}\n`);
}

function rowsOf(items: readonly PolicyReport[]): readonly (readonly string[])[] {
  const rows = items.map(({ name, state, decisions, stops, file, problem }) => [
    name ?? '<unknown>',
    state,
    String(decisions),
    String(stops),
    file,
    problem ?? '',
  ]);
  return [['NAME', 'STATE', 'DECISIONS', 'STOPS', 'FILE', 'PROBLEM'], ...rows];
}

/** Returns what to say. Writes nothing when a file of it is there already. */
async function writeStarter(name: string, folder: string): Promise<string> {
  if (!POLICY_NAME.test(name)) {
    throw new CliUsageError(
      `"${name}" is no name for a policy: use lower case letters, digits, "-"`,
    );
  }
  const dir = path.resolve(folder);
  const files = starterFiles(name);
  const taken = files.find((file) => file.isOwn && existsSync(path.join(dir, file.name)));
  if (taken !== undefined) {
    throw new CliUsageError(
      `${path.join(folder, taken.name)} is there already: nothing was written`,
    );
  }
  await mkdir(dir, { recursive: true });
  for (const file of files) {
    const target = path.join(dir, file.name);
    if (!existsSync(target)) await writeFile(target, file.text, { flag: 'wx' });
  }
  await linkTypes(dir);
  const test = path.join(folder, `${name}.test.ts`);
  const file = path.join(folder, `${name}.ts`);
  return `Wrote ${file} and its test ${test}.

Next:
  ${nodeCommand()} --test ${test}
  skiff up --policy ${file}
  kubectl run hello --image=skiff/host --overrides='{"spec":{"schedulerName":"${name}"}}' -- sleep 600
  skiff why hello
`;
}

/** Editors and tests find `skiff/policy` by `node_modules/skiff`; the scheduler needs no link. */
async function linkTypes(dir: string): Promise<void> {
  const link = path.join(dir, 'node_modules', 'skiff');
  if (dir === ROOT || dir.startsWith(`${ROOT}${path.sep}`) || existsSync(link)) return;
  await mkdir(path.dirname(link), { recursive: true });
  await symlink(ROOT, link);
}

/** Plain `node` when that one on PATH can run TypeScript, else the one that this runs on. */
function nodeCommand(): string {
  const folders = (process.env.PATH ?? '').split(':');
  const found = folders.map((folder) => path.join(folder, 'node')).find(existsSync);
  return found === process.execPath ? 'node' : process.execPath;
}
