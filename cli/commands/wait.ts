/** `skiff wait` and `skiff rollout`: until objects are as they should be. */

import type { Command } from 'commander';
import { evaluateJsonPath } from '../../proto/api/jsonpath.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { isNotFound } from '../../proto/api/status-error.ts';
import { objectName } from '../printers/output.ts';
import { readinessOf } from '../readiness.ts';
import { ResourceMapper } from '../resources/resource-mapper.ts';
import { parseOne, parseTargets } from '../resources/targets.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { parseDuration } from './flags.ts';
import type { Runner } from './program.ts';

interface WaitFlags {
  readonly for: string;
  readonly timeout: string;
  readonly selector?: string;
  readonly all?: boolean;
}

/** Whether an object (undefined: it does not exist) is as wanted. */
type Check = (object: KubernetesObject | undefined) => boolean;

const POLL_MS = 50;

export function addWait(program: Command, run: Runner): void {
  program
    .command('wait <type...>')
    .description('wait until objects meet a condition')
    .requiredOption('--for <what>', 'condition=NAME[=VALUE], jsonpath={…}=VALUE, create or delete')
    .option('--timeout <duration>', 'give up after this long', '30s')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--all', 'all objects of the type')
    .action(run((session, words: string[], flags: WaitFlags) => wait(session, words, flags)));
  const rollout = program.command('rollout').description('follow or restart a rollout');
  rollout
    .command('status <type...>')
    .description('wait until a rollout is complete, saying how far it is')
    .option('--timeout <duration>', 'give up after this long (default: never)', '0s')
    .action(
      run((session, words: string[], flags: { readonly timeout: string }) =>
        rolloutStatus(session, words, flags),
      ),
    );
  rollout
    .command('restart <type...>')
    .description('replace all pods by new ones')
    .action(run((session, words: string[]) => rolloutRestart(session, words)));
}

async function wait(session: Session, words: readonly string[], flags: WaitFlags): Promise<void> {
  const check = parseCheck(flags.for);
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const deadlineMs = session.clock.monotonicMs() + parseDuration(flags.timeout);
  for (const { resource, names } of parseTargets(words, mapper)) {
    const scope = resource.namespaced ? { namespace: session.namespace } : {};
    const selected = names.length > 0 ? names : await listNames(session, resource, flags, scope);
    if (selected.length === 0) throw new Error('no matching resources found');
    for (const name of selected) {
      const path = resourcePath(resource, { ...scope, name });
      // What has never been there has nothing to wait for, but for being created.
      if (flags.for !== 'create' && flags.for !== 'delete') {
        await session.client.get(resource, { ...scope, name }, session.signal);
      } else if (flags.for === 'delete' && (await getOrUndefined(session, path)) === undefined) {
        continue;
      }
      const last = await poll(session, path, check, deadlineMs);
      const word = flags.for === 'delete' ? 'deleted' : 'condition met';
      session.out(
        `${last === undefined ? `${resource.singular}/${name}` : objectName(last)} ${word}\n`,
      );
    }
  }
}

async function listNames(
  session: Session,
  resource: Parameters<Session['client']['list']>[0],
  flags: WaitFlags,
  scope: { readonly namespace?: string },
): Promise<readonly string[]> {
  if (flags.selector === undefined && flags.all !== true) {
    throw new CliUsageError('name an object, or use -l LABELS or --all');
  }
  const options = { ...scope, ...(flags.selector && { labelSelector: flags.selector }) };
  const { items } = await session.client.list(resource, options, session.signal);
  return (items as readonly KubernetesObject[]).map(({ metadata }) => metadata.name);
}

/** Returns the object when the check holds; throws in kubectl's words when time is up. */
async function poll(
  session: Session,
  path: string,
  check: Check,
  deadlineMs: number,
): Promise<KubernetesObject | undefined> {
  let last: KubernetesObject | undefined;
  for (;;) {
    const current = await getOrUndefined(session, path);
    if (check(current)) return current ?? last;
    last = current;
    if (session.clock.monotonicMs() > deadlineMs) {
      throw new Error(
        `timed out waiting for the condition on ${path.split('/').slice(-2).join('/')}`,
      );
    }
    await session.clock.after(POLL_MS, session.signal);
  }
}

async function getOrUndefined(
  session: Session,
  path: string,
): Promise<KubernetesObject | undefined> {
  try {
    const object = await session.client.request('GET', path, undefined, {}, session.signal);
    return object as KubernetesObject;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function parseCheck(text: string): Check {
  if (text === 'delete') return (object) => object === undefined;
  if (text === 'create') return (object) => object !== undefined;
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(text);
  if (condition !== null) {
    const [, type = '', value = 'True'] = condition;
    return (object) => hasCondition(object, type, value);
  }
  const path = /^jsonpath=(['"]?)(.*)\1=(.*)$/.exec(text);
  if (path !== null) {
    const [, , template = '', value = ''] = path;
    return (object) => object !== undefined && evaluateJsonPath(template, object) === value;
  }
  throw new CliUsageError(`unrecognized condition: "${text}"`);
}

function hasCondition(object: KubernetesObject | undefined, type: string, value: string): boolean {
  const { status } = (object ?? {}) as {
    readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
  };
  const condition = status?.conditions?.find(
    (one) => one.type.toLowerCase() === type.toLowerCase(),
  );
  return condition?.status.toLowerCase() === value.toLowerCase();
}

async function rolloutStatus(
  session: Session,
  words: readonly string[],
  flags: { readonly timeout: string },
): Promise<void> {
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const { resource, name } = parseOne(words, mapper, 'deployments');
  const path = resourcePath(resource, { namespace: session.namespace, name });
  const timeoutMs = parseDuration(flags.timeout);
  const deadlineMs =
    timeoutMs === 0 ? Number.POSITIVE_INFINITY : session.clock.monotonicMs() + timeoutMs;
  let said = '';
  for (;;) {
    const object = await session.client.request('GET', path, undefined, {}, session.signal);
    const readiness = readinessOf(object as KubernetesObject);
    if (readiness.kind === 'ready') {
      session.out(`${resource.singular} "${name}" successfully rolled out\n`);
      return;
    }
    if (readiness.reason !== said) session.out(`${readiness.reason}\n`);
    said = readiness.reason;
    if (readiness.kind === 'failed') throw new CliExit(1);
    if (session.clock.monotonicMs() > deadlineMs)
      throw new Error('timed out waiting for the condition');
    await session.clock.after(POLL_MS, session.signal);
  }
}

async function rolloutRestart(session: Session, words: readonly string[]): Promise<void> {
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const { resource, name } = parseOne(words, mapper, 'deployments');
  const restartedAt = new Date(session.clock.wallMs()).toISOString();
  const annotations = { 'kubectl.kubernetes.io/restartedAt': restartedAt };
  const body = { spec: { template: { metadata: { annotations } } } };
  const target = { namespace: session.namespace, name };
  const options = { fieldManager: 'skiff-rollout' };
  const object = await session.client.patch(
    resource,
    target,
    'merge',
    body,
    options,
    session.signal,
  );
  session.out(`${objectName(object as KubernetesObject)} restarted\n`);
}
