/** `skiff api-resources` and `skiff version`: what the server serves, and which it is. */

import type { Command } from 'commander';
import { apiVersionOf } from '../../proto/api/resource.ts';
import { alignColumns } from '../printers/table.ts';
import { ResourceMapper } from '../resources/resource-mapper.ts';
import type { Session } from '../session.ts';
import type { Runner } from './program.ts';

interface ApiResourcesFlags {
  readonly output?: string;
  readonly namespaced?: string;
}

export function addApiResources(program: Command, run: Runner): void {
  program
    .command('api-resources')
    .description('what kinds of objects the server has')
    .option('-o, --output <format>', 'wide or name')
    .option('--namespaced <bool>', 'only those in namespaces (true), or only the others (false)')
    .action(run((session, flags: ApiResourcesFlags) => apiResources(session, flags)));
  program
    .command('version')
    .description('the version of the server')
    .action(run((session) => version(session)));
}

async function apiResources(session: Session, flags: ApiResourcesFlags): Promise<void> {
  const mapper = await ResourceMapper.discover(session.client, session.signal);
  const shown = mapper
    .all()
    .filter((one) => flags.namespaced === undefined || String(one.namespaced) === flags.namespaced);
  if (flags.output === 'name') {
    for (const { plural, group } of shown)
      session.out(`${group === '' ? plural : `${plural}.${group}`}\n`);
    return;
  }
  const isWide = flags.output === 'wide';
  const head = [
    'NAME',
    'SHORTNAMES',
    'APIVERSION',
    'NAMESPACED',
    'KIND',
    ...(isWide ? ['VERBS'] : []),
  ];
  const rows = shown.map((one) => [
    one.plural,
    one.shortNames.join(','),
    apiVersionOf(one),
    String(one.namespaced),
    one.kind,
    ...(isWide ? [one.verbs.join(',')] : []),
  ]);
  for (const line of alignColumns([head, ...rows])) session.out(`${line}\n`);
}

async function version(session: Session): Promise<void> {
  const answer = await session.client.request('GET', '/version', undefined, {}, session.signal);
  const { gitVersion = 'unknown' } = answer as { readonly gitVersion?: string };
  session.out(`Server Version: ${gitVersion}\n`);
}
