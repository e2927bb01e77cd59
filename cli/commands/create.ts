/** `skiff create`: objects from files, or a few kinds from flags. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import {
  configmaps,
  deployments,
  namespaces,
  secrets,
  serviceaccounts,
} from '../../proto/api/gen/resources.ts';
import type { Draft, KubernetesObject } from '../../proto/api/meta.ts';
import { apiVersionOf, type Resource } from '../../proto/api/resource.ts';
import { formatObject, objectName, parseOutput } from '../printers/output.ts';
import { CliUsageError, type Session } from '../session.ts';
import { createFromFiles } from './apply.ts';
import { collect, isDryRun } from './flags.ts';
import type { Runner } from './program.ts';

interface CreateFlags {
  readonly filename?: readonly string[];
  readonly fromLiteral?: readonly string[];
  readonly fromFile?: readonly string[];
  readonly image?: readonly string[];
  readonly replicas?: number;
  readonly dryRun?: string;
  readonly output?: string;
}

export function addCreate(program: Command, run: Runner): void {
  const create = program
    .command('create')
    .description('create objects from files, or from flags')
    .option('-f, --filename <path>', 'file, folder, or - for standard input', collect)
    .option('-o, --output <format>', 'yaml, json, name, jsonpath=TEMPLATE')
    .option('--dry-run <how>', 'server: check and answer, but store nothing')
    .action(
      run((session, flags: CreateFlags) => {
        if (flags.filename === undefined)
          throw new CliUsageError('must specify one of -f, or a kind');
        return createFromFiles(session, flags);
      }),
    );
  const add = (
    usage: string,
    description: string,
    resource: Resource,
    fields: (flags: CreateFlags, name: string, words: readonly string[]) => object,
  ): Command =>
    create
      .command(`${usage} <name> [words...]`)
      .description(description)
      .option('-o, --output <format>', 'yaml, json, name, jsonpath=TEMPLATE')
      .option('--dry-run <how>', 'server: check and answer, but store nothing')
      .action(
        run((session, first: string, rest: string[], flags: CreateFlags) => {
          const [name, words] = nameAndWords(resource, first, rest);
          return createOne(session, resource, name, fields(flags, name, words), flags);
        }),
      );
  add('namespace', 'a namespace', namespaces, () => ({ spec: {} })).alias('ns');
  add('serviceaccount', 'a service account', serviceaccounts, () => ({})).alias('sa');
  add('configmap', 'a config map', configmaps, (flags) => ({ data: dataOf(flags) }))
    .alias('cm')
    .option('--from-literal <KEY=VALUE>', 'an entry', collect)
    .option('--from-file <[KEY=]FILE>', 'an entry with the contents of a file', collect);
  add('secret', 'an opaque secret', secrets, (flags) => ({
    type: 'Opaque',
    stringData: dataOf(flags),
  }))
    .option('--from-literal <KEY=VALUE>', 'an entry', collect)
    .option('--from-file <[KEY=]FILE>', 'an entry with the contents of a file', collect);
  add('deployment', 'a deployment', deployments, deploymentOf)
    .alias('deploy')
    .requiredOption('--image <name>', 'an image; each makes a container', collect)
    .option('-r, --replicas <n>', 'how many pods', Number, 1);
}

/**
 * `secret generic NAME` is one of the `secret NAME`s; after a deployment's name stands the command of
 * its containers; nothing else takes more words than a name.
 */
function nameAndWords(
  resource: Resource,
  first: string,
  rest: readonly string[],
): readonly [string, readonly string[]] {
  const [second, ...more] = rest;
  if (resource === secrets && first === 'generic' && second !== undefined && more.length === 0) {
    return [second, []];
  }
  if (rest.length > 0 && resource !== deployments) {
    throw new CliUsageError(`exactly one NAME is required, got ${rest.length + 1}`);
  }
  return [first, rest];
}

async function createOne(
  session: Session,
  resource: Resource,
  name: string,
  fields: object,
  flags: CreateFlags,
): Promise<void> {
  const output = parseOutput(flags.output);
  const metadata = { name, ...(resource.namespaced ? { namespace: session.namespace } : {}) };
  const draft = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, ...fields };
  const object = await session.client.create(
    resource as Resource<KubernetesObject>,
    draft as Draft<KubernetesObject>,
    { fieldManager: 'skiff-create', dryRun: isDryRun(flags.dryRun) },
    session.signal,
  );
  const line = `${objectName(object)} created\n`;
  session.out(output.kind === 'table' ? line : formatObject(object, output));
}

function dataOf(flags: CreateFlags): Readonly<Record<string, string>> {
  const literals = (flags.fromLiteral ?? []).map((text): readonly [string, string] => {
    const index = text.indexOf('=');
    if (index < 1) throw new CliUsageError(`--from-literal: "${text}" is not KEY=VALUE`);
    return [text.slice(0, index), text.slice(index + 1)];
  });
  const files = (flags.fromFile ?? []).map((text): readonly [string, string] => {
    const index = text.indexOf('=');
    const file = text.slice(index + 1);
    return [index < 0 ? path.basename(file) : text.slice(0, index), readFileSync(file, 'utf8')];
  });
  return Object.fromEntries([...literals, ...files]);
}

function deploymentOf(flags: CreateFlags, name: string, command: readonly string[]): object {
  const labels = { app: name };
  const containers = (flags.image ?? []).map((image, index) => {
    const [base = name] = image.split('/').at(-1)?.split(/[:@]/) ?? [];
    const own = { name: index === 0 ? base : `${base}-${index}`, image };
    return command.length > 0 ? { ...own, command } : own;
  });
  return {
    spec: {
      replicas: flags.replicas ?? 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}
