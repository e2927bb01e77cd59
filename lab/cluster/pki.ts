/**
 * Makes what the processes of a lab prove themselves with, before they start: the cluster's keys
 * and certificates, the serving certificate of each node, and a kubeconfig for each component.
 */

import path from 'node:path';
import {
  ensureClusterPki,
  issueServingCertificate,
  writeKubeconfig,
} from '../../apiserver/auth/pki.ts';
import type { Clock } from '../../base/clock.ts';
import { contextName } from '../kubeconfig.ts';
import { controlAddress, type LabSpec, nodeAddress, pkiDir, serverUrl } from './lab-spec.ts';

/** Keeps what is there and still good; kubeconfigs are written anew. */
export async function makePki(spec: LabSpec, clock: Clock): Promise<void> {
  const dir = pkiDir(spec);
  const nowMs = clock.wallMs();
  const { ca } = await ensureClusterPki(dir, { sans: [controlAddress(spec)], nowMs });
  const kubeconfig = (name: string, user: string, groups: readonly string[]): Promise<void> =>
    writeKubeconfig(path.join(dir, `${name}.kubeconfig`), ca, {
      server: serverUrl(spec),
      contextName: contextName(spec.name),
      user,
      groups,
      nowMs,
    });
  await Promise.all([
    kubeconfig('admin', 'kubernetes-admin', ['system:masters']),
    kubeconfig('scheduler', 'system:kube-scheduler', []),
    kubeconfig('controllers', 'system:kube-controller-manager', []),
    ...(spec.simulated === undefined
      ? []
      : [kubeconfig('simulated-nodes', 'skiff:simulated-nodes', ['system:masters'])]),
    issueServingCertificate(dir, ca, {
      name: 'scheduler',
      sans: [controlAddress(spec)],
      organizations: [],
      nowMs,
    }),
    ...spec.nodes.flatMap((node) => [
      kubeconfig(node.name, `system:node:${node.name}`, ['system:nodes']),
      issueServingCertificate(dir, ca, { name: node.name, sans: [nodeAddress(spec, node)], nowMs }),
    ]),
  ]);
}
