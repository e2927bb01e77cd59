/** `skiff exec` and `skiff attach`: a command in a running container, or its own streams. */

import type { Command } from 'commander';
import { pods } from '../../proto/api/gen/resources.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { findPod } from '../resources/find-pod.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { runRemote } from '../streaming/remote-command.ts';
import type { Runner } from './program.ts';

interface ExecFlags {
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

export function addExec(program: Command, run: Runner): void {
  program
    .command('exec <pod> [command...]')
    .description('run a command in a container: skiff exec -it POD -- sh')
    .option('-c, --container <name>', 'which container (default: the first)')
    .option('-i, --stdin', 'send standard input')
    .option('-t, --tty', 'the command gets a terminal')
    .action(
      run((session, pod: string, command: string[], flags: ExecFlags) =>
        execute(session, pod, command, flags),
      ),
    );
  program
    .command('attach <pod>')
    .description('see and use the streams of a running container')
    .option('-c, --container <name>', 'which container (default: the first)')
    .option('-i, --stdin', 'send standard input')
    .option('-t, --tty', 'the container has a terminal')
    .action(
      run((session, pod: string, flags: ExecFlags) => remote(session, pod, 'attach', flags, [])),
    );
}

async function execute(
  session: Session,
  pod: string,
  command: readonly string[],
  flags: ExecFlags,
): Promise<void> {
  if (command.length === 0) {
    throw new CliUsageError('you must specify at least one command for the container');
  }
  await remote(session, pod, 'exec', flags, command);
}

/** Ends with the exit code of the command. */
export async function remote(
  session: Session,
  target: string,
  subresource: 'exec' | 'attach',
  flags: ExecFlags,
  command: readonly string[],
): Promise<void> {
  const pod = await findPod(session, target);
  const container = flags.container ?? pod.spec.containers[0]?.name ?? '';
  const tty = flags.tty === true && process.stdin.isTTY === true;
  if (flags.tty === true && !tty) {
    session.err('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  }
  const query = new URLSearchParams({ container, stdout: 'true' });
  for (const word of command) query.append('command', word);
  if (flags.stdin === true) query.set('stdin', 'true');
  if (tty) query.set('tty', 'true');
  else query.set('stderr', 'true');
  const { name, namespace = session.namespace } = pod.metadata;
  const path = `${resourcePath(pods, { namespace, name, subresource })}?${query}`;
  const outcome = await runRemote(session, path, {
    stdin: flags.stdin === true ? process.stdin : undefined,
    stdout: process.stdout,
    stderr: process.stderr,
    tty,
  });
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  if (outcome.code === 0) return;
  session.err(`command terminated with exit code ${outcome.code}\n`);
  throw new CliExit(outcome.code);
}
