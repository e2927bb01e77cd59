/** `skiff apply -f` and `skiff create -f`: objects from files to the server. */

import type { Command } from 'commander';
import type { Draft, KubernetesObject } from '../../proto/api/meta.ts';
import { ApiError } from '../../proto/api/status-error.ts';
import { applyObject, outcomeLine } from '../apply/apply-object.ts';
import { type ManifestObject, readManifests } from '../manifests/read-manifests.ts';
import { formatObject, objectName, parseOutput } from '../printers/output.ts';
import { ResourceMapper } from '../resources/resource-mapper.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { readStdin } from '../stdin.ts';
import { collect, isDryRun } from './flags.ts';
import type { Runner } from './program.ts';

interface ApplyFlags {
  readonly filename?: readonly string[];
  readonly output?: string;
  readonly forceConflicts?: boolean;
  readonly dryRun?: string;
  readonly namespace?: string;
}

/** Conflicts and refusals of one object do not keep the others from being applied. */
export function addApply(program: Command, run: Runner): void {
  program
    .command('apply')
    .description('create or change objects to be as in the files (server-side apply)')
    .requiredOption('-f, --filename <path>', 'file, folder, or - for standard input', collect)
    .option('-o, --output <format>', 'yaml, json, name, jsonpath=TEMPLATE')
    .option('--force-conflicts', 'take fields over that others manage')
    .option('--dry-run <how>', 'server: check and answer, but store nothing')
    .action(run((session, flags: ApplyFlags) => apply(session, flags)));
}

async function apply(session: Session, flags: ApplyFlags): Promise<void> {
  await forEachManifest(session, flags, async (manifest, mapper) => {
    const resource = mapper.byKind(manifest.apiVersion, manifest.kind);
    const applied = await applyObject(session.client, resource, manifest, {
      namespace: session.namespace,
      fieldManager: 'skiff',
      force: flags.forceConflicts === true,
      dryRun: isDryRun(flags.dryRun),
    });
    const note = isDryRun(flags.dryRun) ? ' (server dry run)' : '';
    return { object: applied.object, line: `${outcomeLine(applied)}${note}` };
  });
}

/** Creates the objects of files; used by `skiff create -f`. */
export async function createFromFiles(session: Session, flags: ApplyFlags): Promise<void> {
  await forEachManifest(session, flags, async (manifest, mapper) => {
    const resource = mapper.byKind(manifest.apiVersion, manifest.kind);
    const namespace = manifest.metadata.namespace ?? session.namespace;
    const metadata = { ...manifest.metadata, ...(resource.namespaced ? { namespace } : {}) };
    const draft = { ...manifest, metadata } as unknown as Draft<KubernetesObject>;
    const object = (await session.client.create(
      resource as never,
      draft,
      { fieldManager: 'skiff-create', fieldValidation: 'Strict', dryRun: isDryRun(flags.dryRun) },
      session.signal,
    )) as KubernetesObject;
    return { object, line: `${objectName(object)} created` };
  });
}

async function forEachManifest(
  session: Session,
  flags: ApplyFlags,
  act: (
    manifest: ManifestObject,
    mapper: ResourceMapper,
  ) => Promise<{ readonly object: KubernetesObject; readonly line: string }>,
): Promise<void> {
  const output = parseOutput(flags.output);
  const manifests = readManifests(flags.filename ?? [], readStdin);
  if (manifests.length === 0) throw new CliUsageError('no objects passed');
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  let failures = 0;
  for (const manifest of manifests) {
    try {
      const { object, line } = await act(manifest, mapper);
      session.out(output.kind === 'table' ? `${line}\n` : formatObject(object, output));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures += 1;
      session.err(`Error from server (${error.reason}): ${error.message}\n`);
    }
  }
  if (failures > 0) throw new CliExit(1);
}
