/** A client of a lab's API server, with the administrator's credentials. */

import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { RestClient } from '../../client/rest-client.ts';
import { type LabSpec, pkiDir } from './lab-spec.ts';

export function adminKubeconfig(spec: LabSpec): string {
  return path.join(pkiDir(spec), 'admin.kubeconfig');
}

export async function connect(spec: LabSpec): Promise<Client> {
  const connection = await loadKubeconfig(adminKubeconfig(spec));
  return new RestClient({ connection, clock: systemClock, userAgent: 'skiff' });
}
