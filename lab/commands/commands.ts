/** The command line of `skiff up|down|status|doctor|kubeconfig`: arguments in, exit code out. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { adminKubeconfig } from '../cluster/connect.ts';
import { readLabSpec } from '../cluster/lab-files.ts';
import {
  DATA_ROOT,
  LAB_NAME,
  type LabSpec,
  NODES_MAX,
  runDirOf,
  type StoreKind,
} from '../cluster/lab-spec.ts';
import { checkMachine } from '../doctor/checks.ts';
import { gatherFacts } from '../doctor/facts.ts';
import { formatChecks } from '../doctor/print.ts';
import { editKubeconfig, invokingUser, kubeconfigPath, withoutLab } from '../kubeconfig.ts';
import { Progress } from '../progress.ts';
import {
  DEFAULT_CAPACITY,
  DEFAULT_ZONES,
  readCapacity,
  SIMULATED_NODES_MAX,
  type SimulatedNodes,
  ZONES_MAX,
} from '../simulated-nodes/settings.ts';
import { addImageCommands } from './image-commands.ts';
import { Interrupted, UsageError, WholeError } from './usage-error.ts';

const INTERRUPTED_CODE = 130;

interface UpFlags {
  readonly name: string;
  readonly nodes?: number;
  readonly store?: 'embedded' | 'etcd';
  readonly etcdEndpoints?: readonly string[];
  readonly port?: number;
  readonly dataDir?: string;
  readonly schedulerConfig?: string;
  readonly policy?: readonly string[];
  readonly simulated?: number;
  readonly simulatedCapacity?: SimulatedNodes['capacity'];
  readonly simulatedZones?: number;
  readonly simulatedUntainted?: true;
  readonly filename?: readonly string[];
  readonly registryConfig?: string;
  readonly cniConfDir?: string;
  readonly timeout: number;
}

/** Returns the exit code; whatever fails is one line on standard error that says what to do. */
export async function runLabCommand(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  let code = 0;
  const finish = (isGood: boolean): void => {
    code = isGood ? 0 : 1;
  };
  const program = newProgram(env, finish);
  try {
    if (argv[2] === 'sim') {
      // Nobody else waits for the simulator to be loaded.
      const { addSimCommands } = await import('./sim.ts');
      addSimCommands(program, print);
    }
    if (argv[2] === 'shadow') {
      const { addShadowCommand } = await import('./shadow.ts');
      addShadowCommand(program, print);
    }
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (isCommanderExit(error)) return error.exitCode === 0 ? 0 : 2;
    write(process.stderr, `skiff: ${messageOf(error)}\n`);
    if (error instanceof Interrupted) return INTERRUPTED_CODE;
    if (error instanceof UsageError) return 2;
    return 1;
  }
}

function newProgram(env: NodeJS.ProcessEnv, finish: (isGood: boolean) => void): Command {
  const program = new Command('skiff').exitOverride();
  const name = new Option('--name <name>', 'name of the lab').default('skiff').argParser(labName);
  const specOf = (lab: string): LabSpec => {
    const spec = readLabSpec(runDirOf(lab));
    if (spec === undefined) throw notUp(lab);
    return spec;
  };
  program
    .command('up')
    .description('bring a lab up, apply files to it, and wait until all is Ready')
    .addOption(name)
    .option('--nodes <n>', 'number of nodes (default 3)', nodeCount)
    .option('--simulated <n>', 'this many nodes without a machine more', simulatedCount)
    .option('--simulated-capacity <list>', 'what each has (cpu=4,memory=32Gi,pods=110)', capacity)
    .option('--simulated-zones <n>', 'in how many zones they are (default 3)', zoneCount)
    .option('--simulated-untainted', 'let every pod come to them, not only those that tolerate it')
    .addOption(
      new Option('--store <kind>', 'where the objects are kept (default embedded)').choices([
        'embedded',
        'etcd',
      ]),
    )
    .option('--etcd-endpoints <urls>', 'an etcd that runs already: URL,URL,…', endpoints)
    .option('--port <port>', "the API server's port (default 6443)", port)
    .option('--data-dir <dir>', `where the lab keeps its data (default ${DATA_ROOT}/NAME)`)
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration for the scheduler')
    .option('--policy <file>', 'a policy in TypeScript for the scheduler (repeatable)', collect)
    .option('-f, --filename <path>', 'apply this file or folder (- for standard input)', collect)
    .option('--registry-config <file>', 'how registries are reached: HTTP, mirrors, certificates')
    .option('--cni-conf-dir <dir>', 'connect pods by CNI plugins, as the folder says')
    .option('--timeout <seconds>', 'give up after this long', seconds, 120)
    .action(async (flags: UpFlags) => finish(await upCommand(flags, env)));
  program
    .command('down')
    .description('stop a lab and remove all it made; proves that nothing is left')
    .addOption(name)
    .option('--data-dir <dir>', 'only when the lab was up with it and its run folder is gone')
    .option('--keep-data', 'keep the store: a later up finds every object again', false)
    .action(async (flags: DownFlags) => finish(await downCommand(flags, env)));
  program
    .command('status')
    .description('show nodes, components, process ids, memory')
    .addOption(name)
    .action(async (flags: { readonly name: string }) => {
      const { status } = await import('./status.ts');
      finish(await status(flags.name, { clock: systemClock, write: print }));
    });
  program
    .command('doctor')
    .description('say what of the machine is there or missing, what for, and how to get it')
    .action(() => {
      const results = checkMachine(gatherFacts(env));
      for (const line of formatChecks(results)) print(`${line}\n`);
      finish(results.every(({ status }) => status !== 'missing'));
    });
  program
    .command('kubeconfig')
    .description("print the administrator's kubeconfig of a lab")
    .addOption(name)
    .action((flags: { readonly name: string }) =>
      print(readFileSync(adminKubeconfig(specOf(flags.name)), 'utf8')),
    );
  program
    .command('inspect <pod>')
    .description('show what the kernel makes of a pod: processes, namespaces, cgroups, mounts')
    .addOption(name)
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .addOption(new Option('-o, --output <format>', 'as JSON').choices(['json']))
    .action(async (pod: string, flags: InspectFlags) => {
      const { inspect } = await import('./inspect.ts');
      const { namespace, output = 'text' } = flags;
      await inspect(specOf(flags.name), { pod, namespace, output }, print);
    });
  addImageCommands(program, name, specOf);
  return program;
}

interface InspectFlags {
  readonly name: string;
  readonly namespace: string;
  readonly output?: 'json';
}

interface DownFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly keepData: boolean;
}

async function upCommand(flags: UpFlags, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { up } = await import('./up.ts');
  const store: StoreKind | undefined =
    flags.etcdEndpoints === undefined ? flags.store : 'external-etcd';
  if (flags.etcdEndpoints !== undefined && flags.store === 'embedded') {
    throw new UsageError('--etcd-endpoints and --store embedded exclude each other: give one');
  }
  return await up(
    {
      name: flags.name,
      ...(flags.nodes === undefined ? {} : { nodes: flags.nodes }),
      ...(store === undefined ? {} : { store }),
      ...(flags.etcdEndpoints === undefined ? {} : { etcdEndpoints: flags.etcdEndpoints }),
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...(flags.dataDir === undefined ? {} : { dataDir: path.resolve(flags.dataDir) }),
      ...(flags.schedulerConfig === undefined
        ? {}
        : { schedulerConfig: path.resolve(flags.schedulerConfig) }),
      ...(flags.policy === undefined
        ? {}
        : { policies: flags.policy.map((file) => path.resolve(file)) }),
      ...simulatedNodesOf(flags),
      ...(flags.registryConfig === undefined ? {} : { registryConfig: flags.registryConfig }),
      ...(flags.cniConfDir === undefined ? {} : { cniConfDir: path.resolve(flags.cniConfDir) }),
    },
    { files: flags.filename ?? [], timeoutMs: flags.timeout * 1000 },
    { clock: systemClock, progress: new Progress(systemClock, print), env, write: print },
  );
}

function simulatedNodesOf(flags: UpFlags): { readonly simulated?: SimulatedNodes } {
  const { simulated, simulatedCapacity, simulatedZones, simulatedUntainted } = flags;
  if (simulated === undefined) {
    if ((simulatedCapacity ?? simulatedZones ?? simulatedUntainted) === undefined) return {};
    throw new UsageError('--simulated-capacity, -zones and -untainted need --simulated N');
  }
  return {
    simulated: {
      count: simulated,
      capacity: simulatedCapacity ?? DEFAULT_CAPACITY,
      zones: simulatedZones ?? DEFAULT_ZONES,
      isTainted: simulatedUntainted !== true,
    },
  };
}

async function downCommand(flags: DownFlags, env: NodeJS.ProcessEnv): Promise<boolean> {
  if (process.getuid?.() !== 0) throw new UsageError('root is needed: run it with sudo');
  const { down } = await import('./down.ts');
  const isClean = await down(flags, {
    clock: systemClock,
    progress: new Progress(systemClock, print),
  });
  const user = invokingUser(env, readFileSync('/etc/passwd', 'utf8'));
  const file = kubeconfigPath(env.KUBECONFIG, user.home);
  if (existsSync(file)) {
    await editKubeconfig(file, user, (text) => withoutLab(text, flags.name), systemClock);
  }
  return isClean;
}

function notUp(name: string): UsageError {
  return new UsageError(`lab "${name}" is not up: start it with "skiff up --name ${name}"`);
}

function labName(text: string): string {
  if (LAB_NAME.test(text)) return text;
  throw new InvalidArgumentError('use at most 40 of a-z, 0-9 and "-", not at the ends');
}

function nodeCount(text: string): number {
  return integer(text, 1, NODES_MAX);
}

function simulatedCount(text: string): number {
  return integer(text, 0, SIMULATED_NODES_MAX);
}

function zoneCount(text: string): number {
  return integer(text, 1, ZONES_MAX);
}

function capacity(text: string): SimulatedNodes['capacity'] {
  const read = readCapacity(text);
  if (typeof read === 'string') throw new InvalidArgumentError(read);
  return read;
}

function port(text: string): number {
  return integer(text, 1, 65_535);
}

function seconds(text: string): number {
  return integer(text, 1, 86_400);
}

function integer(text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`use a whole number from ${min} to ${max}`);
}

function endpoints(text: string): readonly string[] {
  const urls = text.split(',').map((url) => url.trim());
  const wrong = urls.find((url) => !/^https?:\/\/[^/]+:\d+\/?$/.test(url));
  if (wrong !== undefined) {
    throw new InvalidArgumentError(`"${wrong}" is not a URL such as http://192.168.1.5:2379`);
  }
  const local = urls.find((url) => /\/\/(localhost|127\.|\[::1\])/.test(url));
  if (local === undefined) return urls;
  throw new InvalidArgumentError(
    `"${local}" is the host's own loopback, which the lab's network can't reach: use an address of the host, or --store etcd`,
  );
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

function isCommanderExit(error: unknown): error is { readonly exitCode: number } {
  return error instanceof Error && 'exitCode' in error && 'code' in error;
}

/** The message and those of its causes, in one line. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A policy's error says it all too; by its name, since most commands don't load the scheduler.
  const isWhole = error instanceof WholeError || error.name === 'PolicyError';
  return error.cause instanceof Error && !isWhole
    ? `${error.message}: ${messageOf(error.cause)}`
    : error.message;
}

function print(text: string): void {
  write(process.stdout, text);
}

function write(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text);
}
