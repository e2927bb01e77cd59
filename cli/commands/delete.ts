/** `skiff delete`: objects by name, label, or file, and by default waits until they are gone. */

import type { Command } from 'commander';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { ApiError, isNotFound } from '../../proto/api/status-error.ts';
import { readManifests } from '../manifests/read-manifests.ts';
import { objectName } from '../printers/output.ts';
import { ResourceMapper, type ServedResource } from '../resources/resource-mapper.ts';
import { parseTargets } from '../resources/targets.ts';
import { CliExit, CliUsageError, type Session } from '../session.ts';
import { readStdin } from '../stdin.ts';
import { collect } from './flags.ts';
import type { Runner } from './program.ts';

interface DeleteFlags {
  readonly filename?: readonly string[];
  readonly selector?: string;
  readonly all?: boolean;
  readonly gracePeriod?: number;
  readonly force?: boolean;
  readonly now?: boolean;
  readonly wait: boolean;
  readonly cascade: string;
  readonly ignoreNotFound?: boolean;
}

/** An object to delete. */
interface Doomed {
  readonly resource: ServedResource;
  readonly name: string;
  readonly namespace?: string;
}

const PROPAGATION: Readonly<Record<string, 'Background' | 'Foreground' | 'Orphan'>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
};
/** How often an object is asked for whose deletion takes its time. */
const POLL_MS = 50;
const FORCE_WARNING =
  'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n';

export function addDelete(program: Command, run: Runner): void {
  program
    .command('delete [type...]')
    .description('delete objects: TYPE NAME…, TYPE/NAME…, TYPE -l LABELS, -f FILE')
    .option('-f, --filename <path>', 'the objects in this file or folder', collect)
    .option('-l, --selector <labels>', 'all objects of the type with these labels')
    .option('--all', 'all objects of the type in the namespace')
    .option('--grace-period <seconds>', 'seconds to end by itself', Number)
    .option('--force', 'with --grace-period=0: at once, without waiting for the node')
    .option('--now', 'as --grace-period=1')
    .option('--no-wait', 'do not wait until the objects are gone')
    .option('--cascade <how>', 'background, foreground or orphan', 'background')
    .option('--ignore-not-found', 'an object that is not there is no error')
    .action(run((session, words: string[], flags: DeleteFlags) => remove(session, words, flags)));
}

async function remove(
  session: Session,
  words: readonly string[],
  flags: DeleteFlags,
): Promise<void> {
  const propagationPolicy = PROPAGATION[flags.cascade];
  if (propagationPolicy === undefined) {
    throw new CliUsageError(`--cascade=${flags.cascade}: use background, foreground or orphan`);
  }
  const grace =
    flags.force === true ? (flags.gracePeriod ?? 0) : flags.now === true ? 1 : flags.gracePeriod;
  const options = {
    propagationPolicy,
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
  };
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const doomed = await findDoomed(session, words, flags, mapper);
  if (flags.force === true && grace === 0) session.err(FORCE_WARNING);
  const uids: (string | undefined)[] = [];
  // One object that can't be deleted does not keep the others.
  let failures = 0;
  for (const { resource, ...target } of doomed) {
    const path = resourcePath(resource, target);
    try {
      const answer = await session.client.request('DELETE', path, options, {}, session.signal);
      uids.push(uidOf(answer));
      const forced = flags.force === true ? ' force' : '';
      session.out(`${nameOf(resource, target.name)}${forced} deleted\n`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      uids.push(undefined);
      if (flags.ignoreNotFound === true && isNotFound(error)) continue;
      failures += 1;
      session.err(`Error from server (${error.reason}): ${error.message}\n`);
    }
  }
  for (const [index, { resource, ...target }] of doomed.entries()) {
    if (flags.wait) await waitUntilGone(session, resourcePath(resource, target), uids[index]);
  }
  if (failures > 0) throw new CliExit(1);
}

async function findDoomed(
  session: Session,
  words: readonly string[],
  flags: DeleteFlags,
  mapper: ResourceMapper,
): Promise<readonly Doomed[]> {
  const scoped = (
    resource: ServedResource,
    name: string,
    namespace = session.namespace,
  ): Doomed => ({
    resource,
    name,
    ...(resource.namespaced ? { namespace } : {}),
  });
  if (flags.filename !== undefined) {
    return readManifests(flags.filename, readStdin).map((object) =>
      scoped(
        mapper.byKind(object.apiVersion, object.kind),
        object.metadata.name ?? '',
        object.metadata.namespace,
      ),
    );
  }
  const doomed: Doomed[] = [];
  for (const { resource, names } of parseTargets(words, mapper)) {
    if (names.length > 0) {
      doomed.push(...names.map((name) => scoped(resource, name)));
      continue;
    }
    if (flags.selector === undefined && flags.all !== true) {
      throw new CliUsageError(
        'resource(s) were provided, but no name was specified: use --all for all of them',
      );
    }
    const { items } = await session.client.list(
      resource,
      {
        ...(resource.namespaced ? { namespace: session.namespace } : {}),
        ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
      },
      session.signal,
    );
    const objects = items as readonly KubernetesObject[];
    doomed.push(...objects.map((object) => scoped(resource, object.metadata.name)));
  }
  if (doomed.length === 0) session.out('No resources found\n');
  return doomed;
}

/** An object of this name with another uid is another object. */
async function waitUntilGone(
  session: Session,
  path: string,
  uid: string | undefined,
): Promise<void> {
  while (uid !== undefined && !session.signal.aborted) {
    try {
      const object = await session.client.request('GET', path, undefined, {}, session.signal);
      if ((object as KubernetesObject).metadata.uid !== uid) return;
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    await session.clock.after(POLL_MS, session.signal);
  }
}

/** The answer is the object, or a Status that names its uid. */
function uidOf(answer: unknown): string | undefined {
  const { metadata, details } = answer as {
    readonly metadata?: { readonly uid?: string };
    readonly details?: { readonly uid?: string };
  };
  return metadata?.uid ?? details?.uid;
}

function nameOf(resource: ServedResource, name: string): string {
  const apiVersion =
    resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const metadata = { name, uid: '', resourceVersion: '', creationTimestamp: '' };
  const [type = ''] = objectName({ apiVersion, kind: resource.kind, metadata }).split('/');
  return `${type} "${name}"`;
}
