/** `skiff get`: objects as a table, or whole, once or as they change (`-w`). */

import type { Command } from 'commander';
import { watchEvents } from '../../client/watch-stream.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { ApiError, isNotFound } from '../../proto/api/status-error.ts';
import { formatObject, type Output, parseOutput } from '../printers/output.ts';
import { isApiTable, TABLE_ACCEPT, type Table, TablePrinter } from '../printers/table.ts';
import { ResourceMapper } from '../resources/resource-mapper.ts';
import { parseTargets, type Target } from '../resources/targets.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { collect } from './flags.ts';
import type { Runner } from './program.ts';

interface GetFlags {
  readonly output?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly watch?: boolean;
  readonly watchOnly?: boolean;
  readonly headers: boolean;
  readonly showLabels?: boolean;
  readonly labelColumns?: readonly string[];
  readonly ignoreNotFound?: boolean;
}

/** Pages of this many objects, as kubectl asks for them. */
const PAGE = 500;

export function addGet(program: Command, run: Runner): void {
  program
    .command('get <type...>')
    .description('show objects: TYPE, TYPE NAME…, TYPE/NAME…')
    .option('-o, --output <format>', 'wide, yaml, json, name, jsonpath=TEMPLATE')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('--field-selector <fields>', 'only objects with these fields')
    .option('-w, --watch', 'go on printing changes')
    .option('--watch-only', 'print changes only')
    .option('--no-headers', 'leave the head of the table out')
    .option('--show-labels', 'a column with the labels')
    .option('-L, --label-columns <labels>', 'a column for each of these labels', collect)
    .option('--ignore-not-found', 'an object that is not there is no error')
    .action(run((session, words: string[], flags: GetFlags) => get(session, words, flags)));
}

async function get(session: Session, words: readonly string[], flags: GetFlags): Promise<void> {
  const output = parseOutput(flags.output);
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const targets = parseTargets(words, mapper);
  if (flags.allNamespaces === true && targets.some(({ names }) => names.length > 0)) {
    throw new CliUsageError('a resource cannot be retrieved by name across all namespaces');
  }
  if (flags.watch === true || flags.watchOnly === true) {
    const [target, ...more] = targets;
    if (target === undefined || more.length > 0) {
      throw new CliUsageError('you may only specify a single resource type with --watch');
    }
    await watch(session, target, flags, output);
    return;
  }
  // One name that is not there does not keep the others from being shown.
  const missing: string[] = [];
  const isAlone = targets.length === 1 && (targets[0]?.names.length ?? 0) <= 1;
  const onMissing = (error: ApiError): void => {
    if (isAlone) throw error;
    missing.push(`Error from server (${error.reason}): ${error.message}\n`);
  };
  if (output.kind === 'table') {
    await printTables(session, targets, flags, output.wide, onMissing);
  } else await printObjects(session, targets, flags, output, onMissing);
  for (const line of missing) session.err(line);
  if (missing.length > 0) throw new CliExit(1);
}

async function printTables(
  session: Session,
  targets: readonly Target[],
  flags: GetFlags,
  wide: boolean,
  onMissing: (error: ApiError) => void,
): Promise<void> {
  let rows = 0;
  let isAnyMissing = false;
  const noteMissing = (error: ApiError): void => {
    isAnyMissing = true;
    onMissing(error);
  };
  const isMixed = new Set(targets.map(({ resource }) => resource.plural)).size > 1;
  for (const target of targets) {
    const printer = newPrinter(session, target, flags, wide, isMixed);
    for await (const answer of pages(session, target, flags, TABLE_ACCEPT, noteMissing)) {
      if (!isApiTable(answer)) throw new Error('The server did not answer with a Table');
      rows += answer.rows.length;
      if (answer.rows.length > 0 && printer.isFresh && rows > answer.rows.length) session.out('\n');
      printer.print(answer);
    }
  }
  if (rows > 0 || isAnyMissing) return;
  const where = isEverywhere(targets, flags) ? '' : ` in ${session.namespace} namespace`;
  session.err(`No resources found${where}${where === '' ? '' : '.'}\n`);
}

async function printObjects(
  session: Session,
  targets: readonly Target[],
  flags: GetFlags,
  output: Exclude<Output, { readonly kind: 'table' }>,
  onMissing: (error: ApiError) => void,
): Promise<void> {
  const found: KubernetesObject[] = [];
  for (const target of targets) {
    for await (const answer of pages(session, target, flags, 'application/json', onMissing)) {
      const list = answer as { readonly items?: readonly KubernetesObject[] };
      const { resource } = target;
      const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`;
      if (Array.isArray(list.items)) {
        // Items of a list leave out what the list already says.
        found.push(...list.items.map((item) => ({ ...item, apiVersion, kind: resource.kind })));
      } else found.push(answer as KubernetesObject);
    }
  }
  const isOne = targets.length === 1 && targets[0]?.names.length === 1;
  if (isOne && found.length === 0) return;
  const list = { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: found };
  session.out(formatObject(isOne ? found[0] : list, output));
}

/** Each answer to the requests that the target needs: one a name, or one a page of the list. */
async function* pages(
  session: Session,
  target: Target,
  flags: GetFlags,
  accept: string,
  onMissing: (error: ApiError) => void,
): AsyncGenerator<unknown> {
  const { client, signal } = session;
  const { resource } = target;
  const scope = namespaceOf(session, flags);
  for (const name of target.names) {
    const path = resourcePath(resource, { ...scope, name });
    try {
      yield await client.request('GET', path, undefined, { accept }, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || !isNotFound(error)) throw error;
      if (flags.ignoreNotFound !== true) onMissing(error);
    }
  }
  if (target.names.length > 0) return;
  let token = '';
  do {
    const query = listQuery(flags, token === '' ? {} : { continue: token });
    const path = `${resourcePath(resource, scope)}?${query}`;
    const answer = await client.request('GET', path, undefined, { accept }, signal);
    yield answer;
    token =
      (answer as { readonly metadata?: { readonly continue?: string } }).metadata?.continue ?? '';
  } while (token !== '');
}

async function watch(
  session: Session,
  target: Target,
  flags: GetFlags,
  output: Output,
): Promise<void> {
  if (target.names.length > 1) throw new CliUsageError('only one name can be watched');
  const [name] = target.names;
  const fields = [flags.fieldSelector, name && `metadata.name=${name}`].filter(Boolean).join(',');
  const scope = namespaceOf(session, flags);
  const query = new URLSearchParams({ watch: 'true' });
  if (flags.selector !== undefined) query.set('labelSelector', flags.selector);
  if (fields !== '') query.set('fieldSelector', fields);
  if (flags.watchOnly === true) {
    const list = await session.client.list(target.resource, { ...scope, limit: 1 }, session.signal);
    query.set('resourceVersion', list.metadata.resourceVersion ?? '0');
  }
  const path = `${resourcePath(target.resource, scope)}?${query}`;
  const accept = output.kind === 'table' ? TABLE_ACCEPT : 'application/json';
  const printer = newPrinter(session, target, flags, output.kind === 'table' && output.wide, false);
  const body = await session.client.stream('GET', path, { accept }, session.signal);
  for await (const event of watchEvents<unknown>(body, path, session.signal)) {
    if (event.type === 'BOOKMARK') continue;
    if (output.kind === 'table') printer.print(event.object as Table);
    else
      session.out(`${output.kind === 'yaml' ? '---\n' : ''}${formatObject(event.object, output)}`);
  }
}

function newPrinter(
  session: Session,
  target: Target,
  flags: GetFlags,
  wide: boolean,
  isOneOfMany: boolean,
): TablePrinter {
  const { resource } = target;
  const type = resource.group === '' ? resource.singular : `${resource.singular}.${resource.group}`;
  return new TablePrinter(session.out, {
    wide,
    withNamespace: flags.allNamespaces === true && resource.namespaced,
    noHeaders: !flags.headers,
    showLabels: flags.showLabels === true,
    labelColumns: (flags.labelColumns ?? []).flatMap((labels) => labels.split(',')),
    ...(isOneOfMany ? { namePrefix: `${type}/` } : {}),
  });
}

function listQuery(flags: GetFlags, more: Readonly<Record<string, string>>): URLSearchParams {
  const query = new URLSearchParams({ limit: String(PAGE), ...more });
  if (flags.selector !== undefined) query.set('labelSelector', flags.selector);
  if (flags.fieldSelector !== undefined) query.set('fieldSelector', flags.fieldSelector);
  return query;
}

function namespaceOf(session: Session, flags: GetFlags): { readonly namespace?: string } {
  return flags.allNamespaces === true ? {} : { namespace: session.namespace };
}

function isEverywhere(targets: readonly Target[], flags: GetFlags): boolean {
  return flags.allNamespaces === true || targets.every(({ resource }) => !resource.namespaced);
}
