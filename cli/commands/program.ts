/** The command line of the verbs on objects: arguments in, exit code out. */

import { Command } from 'commander';
import { ApiError } from '../../proto/api/status-error.ts';
import { ManifestError } from '../manifests/read-manifests.ts';
import { CliExit, CliUsageError, type GlobalFlags, openSession, type Session } from '../session.ts';
import { addApiResources } from './api-resources.ts';
import { addApply } from './apply.ts';
import { addChange } from './change.ts';
import { addCreate } from './create.ts';
import { addDelete } from './delete.ts';
import { addDescribe } from './describe.ts';
import { addExec } from './exec.ts';
import { addGet } from './get.ts';
import { addLogs } from './logs.ts';
import { addNode } from './node.ts';
import { addPolicy } from './policy.ts';
import { addPortForward } from './port-forward.ts';
import { addRun } from './run.ts';
import { addWait } from './wait.ts';
import { addWhy } from './why.ts';

/**
 * Makes a commander action of a verb: it opens the session with the global flags and hands the
 * arguments on. The last two arguments that commander adds are the verb's flags and the command.
 */
export type Runner = <A extends readonly unknown[]>(
  verb: (session: Session, ...args: A) => Promise<void>,
) => (...args: [...A, Command]) => Promise<void>;

/** Returns the exit code: as kubectl's, 1 for all failures; 128 and its number for a signal. */
export async function runCli(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const controller = new AbortController();
  for (const [name, code] of SIGNAL_CODES) {
    // A second signal ends the program at once, whatever it is at.
    process.once(name, () => {
      controller.abort();
      process.exitCode = code;
    });
  }
  const program = newProgram(env, controller.signal);
  try {
    if (argv.length <= 2) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (controller.signal.aborted) return Number(process.exitCode ?? 1);
    return report(error);
  }
}

function newProgram(env: NodeJS.ProcessEnv, signal: AbortSignal): Command {
  const program = new Command('skiff')
    .description('A Kubernetes-style cluster on one machine')
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError(true)
    .addHelpText('after', LAB_COMMANDS);
  const run: Runner =
    (verb) =>
    async (...args) => {
      const command = args.at(-1) as Command;
      const session = await openSession(command.opts<GlobalFlags>(), env, signal);
      // The verb's own arguments are what stands before the command.
      await verb(session, ...(args.slice(0, -1) as never));
    };
  for (const add of VERBS) add(program, run);
  for (const command of allCommands(program)) addGlobalFlags(command);
  return program;
}

function allCommands(command: Command): readonly Command[] {
  return command.commands.flatMap((sub) => (sub.commands.length > 0 ? allCommands(sub) : [sub]));
}

function addGlobalFlags(command: Command): void {
  command
    .option('-n, --namespace <name>', 'namespace of the objects')
    .option('--kubeconfig <file>', 'credentials (default $KUBECONFIG or ~/.kube/config)')
    .option('--context <name>', 'which context of the kubeconfig');
}

/** Prints a failure as kubectl does, and returns the exit code. */
function report(error: unknown): number {
  const err = (text: string): void => void process.stderr.write(`${text}\n`);
  if (error instanceof CliExit) return error.code;
  if (error instanceof CliUsageError || error instanceof ManifestError) {
    err(`error: ${error.message}`);
    return 1;
  }
  if (error instanceof ApiError) {
    err(`Error from server (${error.reason}): ${error.message}`);
    return 1;
  }
  if (error instanceof Error && 'exitCode' in error && 'code' in error) {
    return error.exitCode === 0 ? 0 : 1;
  }
  err(`error: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}

const SIGNAL_CODES = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

const VERBS = [
  addGet,
  addDescribe,
  addApply,
  addCreate,
  addDelete,
  addRun,
  addLogs,
  addExec,
  addPortForward,
  addWait,
  addChange,
  addNode,
  addWhy,
  addPolicy,
  addApiResources,
];

const LAB_COMMANDS = `
Labs:
  up, down, status, doctor, kubeconfig, image, sim, shadow   see "skiff up --help", "skiff sim --help"
Components:
  apiserver, scheduler, controllers, agent, runtime
`;
