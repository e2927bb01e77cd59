/** `skiff run`: one pod, and with `-it --rm` a shell in it that leaves nothing. */

import type { Command } from 'commander';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import type { Draft } from '../../proto/api/meta.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { formatObject, parseOutput } from '../printers/output.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { remote } from './exec.ts';
import { collect, isDryRun, parseDuration } from './flags.ts';
import type { Runner } from './program.ts';

interface RunFlags {
  readonly image: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly rm?: boolean;
  readonly restart: string;
  readonly env?: readonly string[];
  readonly labels?: string;
  readonly port?: string;
  readonly command?: boolean;
  readonly dryRun?: string;
  readonly output?: string;
  readonly podRunningTimeout: string;
}

export function addRun(program: Command, run: Runner): void {
  program
    .command('run <name> [arguments...]')
    .description('run an image as a pod: skiff run -it --rm --image=skiff/host sh -- /bin/sh')
    .requiredOption('--image <name>', 'the image, as skiff/host')
    .option('-i, --stdin', 'send standard input')
    .option('-t, --tty', 'the container gets a terminal')
    .option('--rm', 'delete the pod when it has ended')
    .option('--restart <policy>', 'Always, OnFailure or Never', 'Always')
    .option('--env <NAME=VALUE>', 'an environment variable', collect)
    .option('-l, --labels <labels>', 'labels, as a=b,c=d')
    .option('--port <port>', 'a port that the container listens on')
    .option('--command', 'the arguments are the command, not its arguments')
    .option('--dry-run <how>', 'server: check and answer, but store nothing')
    .option('-o, --output <format>', 'print the pod: yaml, json, name')
    .option('--pod-running-timeout <duration>', 'how long to wait until it runs', '1m')
    .action(
      run((session, name: string, words: string[], flags: RunFlags) =>
        runPod(session, name, words, flags),
      ),
    );
}

async function runPod(
  session: Session,
  name: string,
  words: readonly string[],
  flags: RunFlags,
): Promise<void> {
  const isAttached = flags.stdin === true || flags.tty === true;
  if (flags.rm === true && !isAttached) {
    throw new CliUsageError('--rm should only be used for attached containers: add -i or -it');
  }
  const output = parseOutput(flags.output);
  const pod = await session.client.create(
    pods,
    podOf(session, name, words, flags),
    { fieldManager: 'skiff-run', dryRun: isDryRun(flags.dryRun) },
    session.signal,
  );
  if (output.kind !== 'table') session.out(formatObject(pod, output));
  else if (!isAttached) session.out(`pod/${name} created\n`);
  if (!isAttached || isDryRun(flags.dryRun)) return;
  try {
    await attachOrPrint(session, name, flags);
  } finally {
    if (flags.rm === true) await removePod(session, pod);
  }
}

/** A container that has ended before we could attach has left its log. */
async function attachOrPrint(session: Session, name: string, flags: RunFlags): Promise<void> {
  const timeoutMs = parseDuration(flags.podRunningTimeout);
  const pod = await untilPhase(session, name, ['Running', 'Succeeded', 'Failed'], timeoutMs);
  if (pod.status.phase === 'Running') {
    if (process.stdin.isTTY === true) {
      session.err("If you don't see a command prompt, try pressing enter.\n");
    }
    await remote(session, `pod/${name}`, 'attach', flags, []);
    if (flags.restart === 'Always') return;
  } else {
    const path = resourcePath(pods, { ...target(session, name), subresource: 'log' });
    session.out(String(await session.client.request('GET', path, undefined, { accept: '*/*' })));
  }
  const ended = await untilPhase(session, name, ['Succeeded', 'Failed'], timeoutMs);
  const code = ended.status.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 0;
  if (code !== 0) throw new CliExit(code);
}

async function untilPhase(
  session: Session,
  name: string,
  phases: readonly string[],
  timeoutMs: number,
): Promise<Pod> {
  const limited = AbortSignal.any([session.signal, AbortSignal.timeout(timeoutMs)]);
  const options = { namespace: session.namespace, fieldSelector: `metadata.name=${name}` };
  try {
    for await (const { type, object } of session.client.watch(pods, options, limited)) {
      if (type === 'DELETED') throw new Error(`pod "${name}" was deleted`);
      if (phases.includes(object.status?.phase ?? '')) return object;
    }
  } catch (error) {
    if (!limited.aborted || session.signal.aborted) throw error;
  }
  const pod = await session.client.get(pods, target(session, name), session.signal);
  const waiting = pod.status.containerStatuses?.[0]?.state?.waiting;
  const why = waiting?.message ?? waiting?.reason ?? pod.status.phase ?? 'Pending';
  throw new Error(`timed out waiting for pod "${name}" to be ${phases.join(' or ')}: ${why}`);
}

async function removePod(session: Session, pod: Pod): Promise<void> {
  const { name, uid } = pod.metadata;
  await session.client.delete(pods, target(session, name), { preconditions: { uid } });
  session.out(`pod "${name}" deleted\n`);
}

function target(
  session: Session,
  name: string,
): { readonly namespace: string; readonly name: string } {
  return { namespace: session.namespace, name };
}

function podOf(
  session: Session,
  name: string,
  words: readonly string[],
  flags: RunFlags,
): Draft<Pod> {
  if (!['Always', 'OnFailure', 'Never'].includes(flags.restart)) {
    throw new CliUsageError(`--restart=${flags.restart}: use Always, OnFailure or Never`);
  }
  const port = Number(flags.port);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: session.namespace, labels: labelsOf(flags.labels, name) },
    spec: {
      restartPolicy: flags.restart as 'Always',
      containers: [
        {
          name,
          image: flags.image,
          ...(words.length > 0 && (flags.command === true ? { command: words } : { args: words })),
          ...(flags.env && { env: flags.env.map(envOf) }),
          ...(flags.port !== undefined && { ports: [{ containerPort: port, protocol: 'TCP' }] }),
          ...(flags.stdin === true && { stdin: true, stdinOnce: true }),
          ...(flags.tty === true && { tty: true }),
        },
      ],
    },
  };
}

function labelsOf(text: string | undefined, name: string): Readonly<Record<string, string>> {
  if (text === undefined) return { run: name };
  return Object.fromEntries(text.split(',').map((pair) => splitPair(pair, '--labels')));
}

function envOf(text: string): { readonly name: string; readonly value: string } {
  const [name, value] = splitPair(text, '--env');
  return { name, value };
}

function splitPair(text: string, flag: string): readonly [string, string] {
  const index = text.indexOf('=');
  if (index < 1) throw new CliUsageError(`${flag}: "${text}" is not NAME=VALUE`);
  return [text.slice(0, index), text.slice(index + 1)];
}
