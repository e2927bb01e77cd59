/**
 * `skiff up`: brings a lab up, or finds that it is, applies what it is given, and waits until all is
 * Ready. One line a step. Called again it changes nothing and says so.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readCniConfig } from '../../agent/runtime/network/cni/cni-config.ts';
import type { Clock } from '../../base/clock.ts';
import { type AppliedObject, applyObject, outcomeLine } from '../../cli/apply/apply-object.ts';
import { type ManifestObject, readManifests } from '../../cli/manifests/read-manifests.ts';
import { formatTable, TABLE_ACCEPT, type Table } from '../../cli/printers/table.ts';
import { knownResource } from '../../cli/resources/known-resources.ts';
import type { Client } from '../../client/client.ts';
import { configurationProblem } from '../../scheduler/config/load-configuration.ts';
import { policyProblem } from '../../scheduler/policy/policy-problem.ts';
import { adminKubeconfig, connect } from '../cluster/connect.ts';
import { type LabSpec, serverUrl } from '../cluster/lab-spec.ts';
import { type LabOptions, startLab } from '../cluster/start-lab.ts';
import {
  type WaitDeps,
  waitForApi,
  waitForNodes,
  waitForObject,
  waitForSimulatedNodes,
} from '../cluster/wait-ready.ts';
import { checkMachine } from '../doctor/checks.ts';
import { gatherFacts } from '../doctor/facts.ts';
import { installTools, missingPackages } from '../doctor/install.ts';
import { firstMissing } from '../doctor/print.ts';
import {
  contextName,
  credentialsOf,
  editKubeconfig,
  invokingUser,
  kubeconfigPath,
  withLab,
} from '../kubeconfig.ts';
import type { Progress } from '../progress.ts';
import { UsageError } from './usage-error.ts';

export interface UpDeps {
  readonly clock: Clock;
  readonly progress: Progress;
  readonly env: NodeJS.ProcessEnv;
  readonly write: (text: string) => void;
}

/** Why pods could not be connected as this folder says. */
function cniProblem(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  try {
    // The pod network is each node's own: any will do to see whether the file can be read.
    if (readCniConfig(folder, '10.0.0.0/24') !== undefined) return undefined;
    return `"${folder}" has no CNI configuration: a file that ends in .conflist, .conf or .json`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Returns whether all is Ready; throws when a step fails. */
export async function up(
  options: LabOptions,
  work: { readonly files: readonly string[]; readonly timeoutMs: number },
  deps: UpDeps,
): Promise<boolean> {
  const { clock, progress } = deps;
  const startMs = clock.monotonicMs();
  // What is wrong with a file is told before anything is started for it.
  const manifests = readManifests(work.files, () => readFileSync(0, 'utf8'));
  const { schedulerConfig } = options;
  const problem = schedulerConfig === undefined ? undefined : configurationProblem(schedulerConfig);
  if (problem !== undefined) throw new UsageError(problem);
  for (const file of options.policies ?? []) {
    const wrong = await policyProblem(file, clock);
    if (wrong !== undefined) throw new UsageError(wrong);
  }
  const network = cniProblem(options.cniConfDir);
  if (network !== undefined) throw new UsageError(network);
  await progress.step('Machine', () => prepareMachine(options, deps));
  const { spec, wasUp } = await startLab(options, deps);
  const client = await connect(spec);
  const wait: WaitDeps = { client, clock, deadlineMs: startMs + work.timeoutMs };
  let applied: readonly AppliedObject[];
  try {
    applied = await makeReady({ spec, wasUp }, manifests, wait, deps);
  } catch (error) {
    progress.note(`  the lab is left as it is; its logs are in ${path.join(spec.dataDir, 'logs')}`);
    throw error;
  }
  const isChanged = !wasUp || applied.some(({ outcome }) => outcome !== 'unchanged');
  const took = `${((clock.monotonicMs() - startMs) / 1000).toFixed(1)} s`;
  progress.note(
    isChanged
      ? `\nLab "${spec.name}" is ready (${took}).`
      : `\nLab "${spec.name}" was up and ready: nothing was changed.`,
  );
  await printPods(client, deps.write);
  printNext(spec, deps.write);
  return true;
}

/** From processes that were just started to everything Ready; returns what was applied. */
async function makeReady(
  { spec, wasUp }: { readonly spec: LabSpec; readonly wasUp: boolean },
  manifests: readonly ManifestObject[],
  wait: WaitDeps,
  deps: UpDeps,
): Promise<readonly AppliedObject[]> {
  const { clock, progress, env } = deps;
  await progress.step(
    'API server',
    () => waitForApi(wait),
    () => serverUrl(spec),
  );
  await progress.step(
    'Kubeconfig',
    () => mergeKubeconfig(spec, env, clock),
    (file) => file,
  );
  const names = spec.nodes.map((node) => node.name);
  await progress.step(
    `Nodes Ready`,
    () => waitForNodes(wait, names),
    () => names.join(' '),
  );
  const { simulated } = spec;
  // In a lab that was up before, some may have been taken away on purpose.
  if (simulated !== undefined && !wasUp) {
    await progress.step(
      'Simulated nodes Ready',
      () => waitForSimulatedNodes(wait, simulated.count),
      () => String(simulated.count),
    );
  }
  const applied = await applyAll(wait.client, manifests, progress);
  for (const { resource, object } of applied) {
    await progress.step(`${resource.kind} ${object.metadata.name} ready`, () =>
      waitForObject(wait, resource, object),
    );
  }
  return applied;
}

/** The checks of `skiff doctor`; tools that apt can bring are installed, said aloud. */
function prepareMachine(options: LabOptions, deps: UpDeps): void {
  const wantsEtcd = options.store === 'etcd';
  const before = gatherFacts(deps.env);
  const packages =
    before.platform === 'linux' && before.isRoot ? missingPackages(before, wantsEtcd) : [];
  if (packages.length > 0) {
    deps.progress.note(`  installing ${packages.join(' ')} with apt`);
    installTools(packages, deps.env);
  }
  const problem = firstMissing(checkMachine(packages.length > 0 ? gatherFacts(deps.env) : before));
  if (problem !== undefined) throw new UsageError(`${problem} ("skiff doctor" shows all)`);
}

async function mergeKubeconfig(
  spec: LabSpec,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<string> {
  const user = invokingUser(env, readFileSync('/etc/passwd', 'utf8'));
  const file = kubeconfigPath(env.KUBECONFIG, user.home);
  const credentials = credentialsOf(readFileSync(adminKubeconfig(spec), 'utf8'));
  await editKubeconfig(file, user, (text) => withLab(text, spec.name, credentials), clock);
  return `context ${contextName(spec.name)} in ${file}`;
}

async function applyAll(
  client: Client,
  manifests: readonly ManifestObject[],
  progress: Progress,
): Promise<readonly AppliedObject[]> {
  const applied: AppliedObject[] = [];
  for (const manifest of manifests) {
    const resource = knownResource(manifest.apiVersion, manifest.kind);
    if (resource === undefined) {
      throw new UsageError(
        `no matches for kind "${manifest.kind}" in version "${manifest.apiVersion}"`,
      );
    }
    const result = await applyObject(client, resource, manifest, {
      namespace: 'default',
      fieldManager: 'skiff',
      force: true,
    });
    progress.note(`✓ ${outcomeLine(result)}`);
    applied.push(result);
  }
  return applied;
}

async function printPods(client: Client, write: (text: string) => void): Promise<void> {
  const answer = await client.request('GET', '/api/v1/pods?limit=50', undefined, {
    accept: TABLE_ACCEPT,
  });
  const table = answer as Table;
  if (table.rows.length === 0) return;
  write('\n$ kubectl get pods -A -o wide\n');
  for (const line of formatTable(table, { wide: true, withNamespace: true })) write(`${line}\n`);
}

function printNext(spec: LabSpec, write: (text: string) => void): void {
  const name = spec.name === 'skiff' ? '' : ` --name ${spec.name}`;
  write(`
Next:
  kubectl get nodes -o wide
  kubectl run -it --rm --image=skiff/host sh -- /bin/sh    (or: skiff run -it --rm …)
  skiff status${name}
  skiff down${name}
`);
}
