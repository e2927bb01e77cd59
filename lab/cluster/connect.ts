/** A client of a lab's API server, with the administrator's credentials. */

import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { RestClient } from '../../client/rest-client.ts';
import { UsageError } from '../commands/usage-error.ts';
import { readLabSpec } from './lab-files.ts';
import { type LabSpec, pkiDir, runDirOf } from './lab-spec.ts';

export function adminKubeconfig(spec: LabSpec): string {
  return path.join(pkiDir(spec), 'admin.kubeconfig');
}

export async function connect(spec: LabSpec): Promise<Client> {
  const connection = await loadKubeconfig(adminKubeconfig(spec));
  return new RestClient({ connection, clock: systemClock, userAgent: 'skiff' });
}

/** A lab by its name, or any cluster by a kubeconfig. Throws a UsageError when the lab is not up. */
export async function connectTo(where: {
  readonly name: string;
  readonly kubeconfig?: string;
}): Promise<RestClient> {
  const { name, kubeconfig } = where;
  const spec = kubeconfig === undefined ? readLabSpec(runDirOf(name)) : undefined;
  const file = kubeconfig ?? (spec === undefined ? undefined : adminKubeconfig(spec));
  if (file === undefined) {
    throw new UsageError(`lab "${name}" is not up: name another (--name), or a --kubeconfig`);
  }
  const connection = await loadKubeconfig(file);
  return new RestClient({ connection, clock: systemClock, userAgent: 'skiff-sim' });
}
