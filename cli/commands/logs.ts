/** `skiff logs`: what a container wrote to its standard output and error. */

import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { findPod } from '../resources/find-pod.ts';
import { CliUsageError, type Session } from '../session.ts';
import { parseDuration } from './flags.ts';
import type { Runner } from './program.ts';

interface LogsFlags {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly sinceTime?: string;
  readonly limitBytes?: string;
  readonly selector?: string;
  readonly allContainers?: boolean;
}

export function addLogs(program: Command, run: Runner): void {
  program
    .command('logs [pod] [container]')
    .description('print the log of a container: POD, TYPE/NAME, or -l LABELS')
    .option('-c, --container <name>', 'which container (default: the first)')
    .option('-f, --follow', 'go on printing until the container ends')
    .option('-p, --previous', 'of the run before the last restart')
    .option('--timestamps', 'with the time of each line')
    .option('--tail <lines>', 'only the last lines')
    .option('--since <duration>', 'only what is newer, as 5m')
    .option('--since-time <time>', 'only what is newer than this RFC 3339 time')
    .option('--limit-bytes <n>', 'at most this much')
    .option('-l, --selector <labels>', 'of all pods with these labels')
    .option('--all-containers', 'of all containers')
    .action(
      run((session, pod: string | undefined, container: string | undefined, flags: LogsFlags) =>
        logs(session, pod, container, flags),
      ),
    );
}

async function logs(
  session: Session,
  target: string | undefined,
  named: string | undefined,
  flags: LogsFlags,
): Promise<void> {
  const found = await podsOf(session, target, flags);
  const sources = found.flatMap((pod) =>
    containersOf(pod, flags.container ?? named, flags.allContainers === true).map((container) => ({
      pod,
      container,
    })),
  );
  const print = (source: (typeof sources)[number]): Promise<void> =>
    printLog(session, source.pod, source.container, flags);
  if (flags.follow === true) await Promise.all(sources.map(print));
  else for (const source of sources) await print(source);
}

async function podsOf(
  session: Session,
  target: string | undefined,
  flags: LogsFlags,
): Promise<readonly Pod[]> {
  if (flags.selector !== undefined) {
    const options = { namespace: session.namespace, labelSelector: flags.selector };
    return (await session.client.list(pods, options, session.signal)).items;
  }
  if (target === undefined) throw new CliUsageError('expected a pod name, TYPE/NAME, or -l LABELS');
  return [await findPod(session, target)];
}

function containersOf(pod: Pod, named: string | undefined, isAll: boolean): readonly string[] {
  if (named !== undefined) return [named];
  const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(
    ({ name }) => name,
  );
  return isAll ? names : [pod.spec.containers[0]?.name ?? ''];
}

async function printLog(
  session: Session,
  pod: Pod,
  container: string,
  flags: LogsFlags,
): Promise<void> {
  const query = new URLSearchParams({ container });
  if (flags.follow === true) query.set('follow', 'true');
  if (flags.previous === true) query.set('previous', 'true');
  if (flags.timestamps === true) query.set('timestamps', 'true');
  if (flags.tail !== undefined && flags.tail !== '-1') query.set('tailLines', flags.tail);
  if (flags.since !== undefined) {
    query.set('sinceSeconds', String(Math.ceil(parseDuration(flags.since) / 1000)));
  }
  if (flags.sinceTime !== undefined) query.set('sinceTime', flags.sinceTime);
  if (flags.limitBytes !== undefined) query.set('limitBytes', flags.limitBytes);
  const { name, namespace = session.namespace } = pod.metadata;
  const path = `${resourcePath(pods, { namespace, name, subresource: 'log' })}?${query}`;
  const body = await session.client.stream('GET', path, { accept: '*/*' }, session.signal);
  await pipeline(body, process.stdout, { end: false });
}
