/** `skiff scale`, `label`, `annotate`: small changes of objects. */

import type { Command } from 'commander';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import type { Resource } from '../../proto/api/resource.ts';
import { objectName } from '../printers/output.ts';
import { ResourceMapper } from '../resources/resource-mapper.ts';
import { parseTargets } from '../resources/targets.ts';
import { CliUsageError, type Session } from '../session.ts';
import type { Runner } from './program.ts';

interface LabelFlags {
  readonly overwrite?: boolean;
  readonly all?: boolean;
}

export function addChange(program: Command, run: Runner): void {
  program
    .command('scale <type...>')
    .description('set how many replicas there are: skiff scale deploy/web --replicas=3')
    .requiredOption('--replicas <n>', 'the number', Number)
    .action(
      run((session, words: string[], flags: { readonly replicas: number }) =>
        scale(session, words, flags.replicas),
      ),
    );
  for (const field of ['label', 'annotate'] as const) {
    program
      .command(`${field} <words...>`)
      .description(`set (a=b) or remove (a-) ${field === 'label' ? 'labels' : 'annotations'}`)
      .option('--overwrite', 'replace values that are there')
      .option('--all', 'all objects of the type')
      .action(
        run((session, words: string[], flags: LabelFlags) =>
          setPairs(session, words, flags, field === 'label' ? 'labels' : 'annotations'),
        ),
      );
  }
}

async function scale(session: Session, words: readonly string[], replicas: number): Promise<void> {
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw new CliUsageError('--replicas: use a whole number, 0 or more');
  }
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  for (const { resource, names } of parseTargets(words, mapper)) {
    if (!resource.subresources.includes('scale')) {
      throw new CliUsageError(`${resource.plural} can't be scaled`);
    }
    for (const name of names) {
      const target = { namespace: session.namespace, name };
      const body = { spec: { replicas } };
      const options = { subresource: 'scale', fieldManager: 'skiff' };
      await session.client.patch(resource, target, 'merge', body, options, session.signal);
      session.out(`${typeName(resource)}/${name} scaled\n`);
    }
  }
}

/** `web a=b c-`: names first, then pairs and removals. */
async function setPairs(
  session: Session,
  words: readonly string[],
  flags: LabelFlags,
  field: 'labels' | 'annotations',
): Promise<void> {
  const isChange = (word: string): boolean => word.includes('=') || word.endsWith('-');
  const changes = words.filter(isChange);
  if (changes.length === 0)
    throw new CliUsageError('at least one change is required, as a=b or a-');
  const values = Object.fromEntries(changes.map(parseChange));
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  for (const { resource, names } of parseTargets(
    words.filter((word) => !isChange(word)),
    mapper,
  )) {
    const scope = resource.namespaced ? { namespace: session.namespace } : {};
    const list = async (): Promise<readonly string[]> => {
      const { items } = await session.client.list(resource, scope, session.signal);
      return (items as readonly KubernetesObject[]).map(({ metadata }) => metadata.name);
    };
    if (names.length === 0 && flags.all !== true) {
      throw new CliUsageError('one or more resources must be specified: name them, or use --all');
    }
    for (const name of names.length > 0 ? names : await list()) {
      const target = { ...scope, name };
      const object = (await session.client.get(
        resource,
        target,
        session.signal,
      )) as KubernetesObject;
      assertFree(object, values, field, flags.overwrite === true);
      const done = outcomeOf(object.metadata[field] ?? {}, values, field);
      const body = { metadata: { [field]: values } };
      const options = { fieldManager: 'skiff' };
      await session.client.patch(resource, target, 'merge', body, options, session.signal);
      session.out(`${objectName({ ...object, kind: resource.kind })} ${done}\n`);
    }
  }
}

/** In kubectl's words: only labels are told apart. Source: kubectl pkg/cmd/label/label.go, v0.36. */
function outcomeOf(
  before: Readonly<Record<string, string>>,
  values: Readonly<Record<string, string | null>>,
  field: 'labels' | 'annotations',
): string {
  if (field === 'annotations') return 'annotated';
  const entries = Object.entries(values);
  if (entries.every(([key, value]) => (before[key] ?? null) === value)) return 'not labeled';
  return entries.every(([, value]) => value === null) ? 'unlabeled' : 'labeled';
}

function parseChange(word: string): readonly [string, string | null] {
  const index = word.indexOf('=');
  return index < 0 ? [word.slice(0, -1), null] : [word.slice(0, index), word.slice(index + 1)];
}

function assertFree(
  object: KubernetesObject,
  values: Readonly<Record<string, string | null>>,
  field: 'labels' | 'annotations',
  overwrite: boolean,
): void {
  if (overwrite) return;
  for (const [key, value] of Object.entries(values)) {
    const before = object.metadata[field]?.[key];
    if (before !== undefined && value !== null && before !== value) {
      throw new Error(`'${key}' already has a value (${before}), and --overwrite is false`);
    }
  }
}

function typeName(resource: Resource): string {
  const kind = resource.kind.toLowerCase();
  return resource.group === '' ? kind : `${kind}.${resource.group}`;
}
