/** `skiff describe`: an object for people, with the events about it. */

import type { Command } from 'commander';
import type { Deployment } from '../../proto/api/gen/apps-v1.ts';
import type { Event, Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { events, pods } from '../../proto/api/gen/resources.ts';
import type { KubernetesObject } from '../../proto/api/meta.ts';
import { describeDeployment, describeGeneric, describeNode } from '../describe/describe-others.ts';
import { describePod } from '../describe/describe-pod.ts';
import { DescriptionWriter } from '../describe/writer.ts';
import { alignColumns } from '../printers/table.ts';
import { ResourceMapper, type ServedResource } from '../resources/resource-mapper.ts';
import { parseTargets } from '../resources/targets.ts';
import type { Session } from '../session.ts';
import type { Runner } from './program.ts';

interface DescribeFlags {
  readonly selector?: string;
  readonly allNamespaces?: boolean;
}

export function addDescribe(program: Command, run: Runner): void {
  program
    .command('describe <type...>')
    .description('show objects for people, with their events')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('-A, --all-namespaces', 'of all namespaces')
    .action(
      run((session, words: string[], flags: DescribeFlags) => describe(session, words, flags)),
    );
}

async function describe(
  session: Session,
  words: readonly string[],
  flags: DescribeFlags,
): Promise<void> {
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  let isFirst = true;
  for (const { resource, names } of parseTargets(words, mapper)) {
    for (const object of await findObjects(session, resource, names, flags)) {
      if (!isFirst) session.out('\n\n');
      isFirst = false;
      session.out(await description(session, object));
    }
  }
  if (isFirst) session.err(`No resources found in ${session.namespace} namespace.\n`);
}

async function findObjects(
  session: Session,
  resource: ServedResource,
  names: readonly string[],
  flags: DescribeFlags,
): Promise<readonly KubernetesObject[]> {
  const isEverywhere = !resource.namespaced || flags.allNamespaces === true;
  const scope = isEverywhere ? {} : { namespace: session.namespace };
  const apiVersion =
    resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const complete = (object: unknown): KubernetesObject =>
    ({ ...(object as KubernetesObject), apiVersion, kind: resource.kind }) as KubernetesObject;
  if (names.length > 0) {
    const gets = names.map((name) =>
      session.client.get(resource, { ...scope, name }, session.signal),
    );
    return (await Promise.all(gets)).map(complete);
  }
  const options = { ...scope, ...(flags.selector && { labelSelector: flags.selector }) };
  return (await session.client.list(resource, options, session.signal)).items.map(complete);
}

async function description(session: Session, object: KubernetesObject): Promise<string> {
  const writer = new DescriptionWriter();
  const { metadata } = object;
  writer.line('Name', metadata.name);
  writer.line('Namespace', metadata.namespace);
  writer.map('Labels', metadata.labels);
  writer.map('Annotations', metadata.annotations, ': ');
  writer.line('CreationTimestamp', metadata.creationTimestamp);
  writer.line('DeletionTimestamp', metadata.deletionTimestamp);
  switch (`${object.apiVersion}/${object.kind}`) {
    case 'v1/Pod':
      describePod(object as Pod, writer);
      break;
    case 'v1/Node': {
      const options = { fieldSelector: `spec.nodeName=${metadata.name}` };
      const { items } = await session.client.list(pods, options, session.signal);
      describeNode(object as Node, items, writer);
      break;
    }
    case 'apps/v1/Deployment':
      describeDeployment(object as Deployment, writer);
      break;
    default:
      describeGeneric(object, writer);
  }
  describeEvents(await eventsOf(session, object), session.clock.wallMs(), writer);
  return writer.toString();
}

async function eventsOf(session: Session, object: KubernetesObject): Promise<readonly Event[]> {
  const { name, namespace } = object.metadata;
  const fields = [`involvedObject.name=${name}`, `involvedObject.kind=${object.kind}`];
  const options = { fieldSelector: fields.join(','), ...(namespace && { namespace }) };
  return (await session.client.list(events, options, session.signal)).items;
}

function describeEvents(items: readonly Event[], nowMs: number, writer: DescriptionWriter): void {
  if (items.length === 0) {
    writer.line('Events', '<none>');
    return;
  }
  const timeOf = (event: Event): string => event.lastTimestamp ?? event.eventTime ?? '';
  const sorted = items.toSorted((a, b) => timeOf(a).localeCompare(timeOf(b)));
  writer.section('Events', (inner) => {
    const rows = sorted.map((event) => [
      event.type ?? '',
      event.reason ?? '',
      ageText(nowMs - Date.parse(timeOf(event))),
      event.source?.component ?? event.reportingComponent ?? '',
      (event.message ?? '').trim(),
    ]);
    inner.rows(alignColumns([['Type', 'Reason', 'Age', 'From', 'Message'], ...rows]));
  });
}

/** `5s`, `3m`, `2h`, `4d`; short, as in kubectl's tables. */
function ageText(ms: number): string {
  if (Number.isNaN(ms)) return '<unknown>';
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
