/**
 * Makes what is missing of a lab (certificates, network, processes), or finds that it is up. A lab
 * whose supervisor was killed gets a new one; its containers are not touched.
 */

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { prepareHostLayer } from '../../agent/runtime/image/host-image.ts';
import { readRegistryConfig } from '../../agent/runtime/image/registry/read-config.ts';
import type { Clock } from '../../base/clock.ts';
import { UsageError } from '../commands/usage-error.ts';
import { usedSubnets } from '../doctor/facts.ts';
import { isAlive } from '../proc.ts';
import type { Progress } from '../progress.ts';
import { capacityText, type SimulatedNodes } from '../simulated-nodes/settings.ts';
import { shareCapacity } from './capacity.ts';
import { isSupervised, readLabSpec, readSupervisorState, writeLabSpec } from './lab-files.ts';
import {
  controlNetns,
  DATA_ROOT,
  imageDirOf,
  type LabSpec,
  nodeNetns,
  nodeRunDir,
  registryConfigFile,
  runDirOf,
  type StoreKind,
} from './lab-spec.ts';
import { findLeftovers } from './leftovers.ts';
import { makeNetwork, netnsPath, removeNetwork } from './network.ts';
import { makePki } from './pki.ts';
import { claimSubnet } from './subnet.ts';

/** What the user asked for; what is absent stays as the lab has it, or is the default. */
export interface LabOptions {
  readonly name: string;
  readonly nodes?: number;
  readonly store?: StoreKind;
  readonly etcdEndpoints?: readonly string[];
  readonly port?: number;
  readonly dataDir?: string;
  /** An absolute path. */
  readonly schedulerConfig?: string;
  /** Absolute paths. */
  readonly policies?: readonly string[];
  /** An absolute path: a folder of CNI configurations. */
  readonly cniConfDir?: string;
  /** Nodes without a machine; count 0: none. */
  readonly simulated?: SimulatedNodes;
  /** A file that says how registries are reached; a lab that is up takes it too. */
  readonly registryConfig?: string;
}

const DEFAULT_NODES = 3;
const DEFAULT_PORT = 6443;

export interface StartDeps {
  readonly clock: Clock;
  readonly progress: Progress;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes what is missing of the lab and starts its processes; returns what the lab is. */
export async function startLab(
  options: LabOptions,
  deps: StartDeps,
): Promise<{ readonly spec: LabSpec; readonly wasUp: boolean }> {
  const runDir = runDirOf(options.name);
  const running = readLabSpec(runDir);
  const registries = readRegistries(options.registryConfig);
  if (running !== undefined && isSupervised(runDir)) {
    assertSame(running, options);
    writeRegistries(running, registries);
    return { spec: running, wasUp: true };
  }
  const spec = running ?? newSpec(options, runDir);
  if (running !== undefined) assertSame(running, options);
  if (!existsSync(netnsPath(controlNetns(spec)))) assertNothingLeft(spec);

  writeLabSpec(spec);
  writeRegistries(spec, registries);
  rmSync(path.join(spec.dataDir, 'kept'), { force: true });
  await deps.progress.step('Certificates', () => makePki(spec, deps.clock));
  if (!hasNetwork(spec)) {
    await deps.progress.step(
      'Network',
      () => {
        removeNetwork(spec);
        makeNetwork(spec);
      },
      () => `10.${spec.subnet}.0.0/16, ${spec.nodes.length} nodes`,
    );
  }
  // Once for all nodes: their runtimes would each make it, and only one result is kept.
  await deps.progress.step('Built-in image', () => makeBuiltInImage(spec));
  for (const node of spec.nodes) {
    mkdirSync(nodeRunDir(spec, node.name), { recursive: true, mode: 0o700 });
  }
  await deps.progress.step('Processes', () => startSupervisor(spec, deps));
  return { spec, wasUp: false };
}

/** Its text; throws when it is no such file. */
function readRegistries(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new UsageError(`the file "${file}" does not exist`);
  readRegistryConfig(file);
  return readFileSync(file, 'utf8');
}

/** The runtimes read the file at each pull. */
function writeRegistries(spec: LabSpec, text: string | undefined): void {
  if (text === undefined) return;
  const file = registryConfigFile(spec);
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function makeBuiltInImage(spec: LabSpec): void {
  const imageDir = imageDirOf(spec);
  for (const folder of ['tmp', 'host']) {
    mkdirSync(path.join(imageDir, folder), { recursive: true, mode: 0o700 });
  }
  prepareHostLayer(imageDir);
}

/** A data folder kept by an earlier `down --keep-data` says what the lab was. */
function newSpec(options: LabOptions, runDir: string): LabSpec {
  const dataDir = options.dataDir ?? path.join(DATA_ROOT, options.name);
  const kept = readLabSpec(dataDir);
  const store = options.store ?? kept?.store ?? 'embedded';
  if (kept !== undefined && kept.store !== store) {
    throw new UsageError(
      `"${dataDir}" keeps a lab with --store ${kept.store}: use that, or another --data-dir`,
    );
  }
  const schedulerConfig = options.schedulerConfig ?? kept?.schedulerConfig;
  const policies = options.policies ?? kept?.policies;
  const cniConfDir = options.cniConfDir ?? kept?.cniConfDir;
  const simulated = options.simulated ?? kept?.simulated;
  const machine = { cpus: os.availableParallelism(), memoryBytes: os.totalmem() };
  return {
    name: options.name,
    nodes: shareCapacity(machine, options.nodes ?? kept?.nodes.length ?? DEFAULT_NODES),
    store,
    etcdEndpoints: options.etcdEndpoints ?? kept?.etcdEndpoints ?? [],
    port: options.port ?? kept?.port ?? DEFAULT_PORT,
    subnet: claimSubnet(options.name, usedSubnets(), kept?.subnet),
    dataDir,
    runDir,
    ...(schedulerConfig === undefined ? {} : { schedulerConfig }),
    ...(policies === undefined ? {} : { policies }),
    ...(cniConfDir === undefined ? {} : { cniConfDir }),
    ...(simulated === undefined || simulated.count === 0 ? {} : { simulated }),
  };
}

/** A lab that is up is not made over: what would have to change is refused by name. */
function assertSame(spec: LabSpec, options: LabOptions): void {
  const differences = [
    differs(options.nodes, spec.nodes.length) ? `--nodes ${spec.nodes.length}` : '',
    isDeepStrictEqual(options.simulated ?? spec.simulated, spec.simulated) ||
    (options.simulated?.count === 0 && spec.simulated === undefined)
      ? ''
      : `--simulated ${simulatedText(spec)}`,
    differs(options.store, spec.store) ? `--store ${spec.store}` : '',
    differs(options.port, spec.port) ? `--port ${spec.port}` : '',
    differs(options.schedulerConfig, spec.schedulerConfig)
      ? spec.schedulerConfig === undefined
        ? 'no --scheduler-config'
        : `--scheduler-config ${spec.schedulerConfig}`
      : '',
    differs(options.policies?.join(' '), spec.policies?.join(' '))
      ? (spec.policies?.map((file) => `--policy ${file}`).join(' ') ?? 'no --policy')
      : '',
    differs(options.cniConfDir, spec.cniConfDir)
      ? spec.cniConfDir === undefined
        ? 'no --cni-conf-dir'
        : `--cni-conf-dir ${spec.cniConfDir}`
      : '',
    differs(options.dataDir, spec.dataDir) ? `--data-dir ${spec.dataDir}` : '',
  ].filter((text) => text !== '');
  if (differences.length === 0) return;
  throw new UsageError(
    `lab "${spec.name}" is up with ${differences.join(' ')}: run "skiff down --name ${spec.name}" first, or name another lab`,
  );
}

/** What a lab that is up has of them. */
function simulatedText({ simulated }: LabSpec): string {
  if (simulated === undefined) return '0';
  const taint = simulated.isTainted ? '' : ' --simulated-untainted';
  const capacity = capacityText(simulated.capacity);
  return `${simulated.count} --simulated-zones ${simulated.zones} --simulated-capacity ${capacity}${taint}`;
}

function differs<T>(asked: T | undefined, is: T): boolean {
  return asked !== undefined && asked !== is;
}

/** Processes or cgroups of an earlier lab of this name would be mistaken for the new one's. */
function assertNothingLeft(spec: LabSpec): void {
  const left = findLeftovers(spec).filter(
    ({ what, left: found }) => found.length > 0 && what !== 'sockets',
  );
  if (left.length === 0) return;
  const texts = left.map(({ what, left: found }) => `${found.length} ${what}`);
  throw new UsageError(
    `an earlier lab "${spec.name}" left ${texts.join(', ')}: run "skiff down --name ${spec.name}" first`,
  );
}

function hasNetwork(spec: LabSpec): boolean {
  const names = [controlNetns(spec), ...spec.nodes.map((node) => nodeNetns(spec, node.name))];
  return names.every((name) => existsSync(netnsPath(name)));
}

/** Starts the supervisor, which outlives this command, and waits until it has taken over. */
async function startSupervisor(spec: LabSpec, deps: StartDeps): Promise<void> {
  const logDir = path.join(spec.dataDir, 'logs');
  mkdirSync(logDir, { recursive: true, mode: 0o700 });
  const log = openSync(path.join(logDir, 'supervisor.log'), 'a', 0o600);
  const entry = path.join(import.meta.dirname, '..', 'supervisor', 'main.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', entry, spec.runDir],
    {
      stdio: ['ignore', log, log],
      detached: true,
      cwd: '/',
      env: { ...deps.env, SKIFF_LAB: spec.name },
    },
  );
  closeSync(log);
  child.unref();
  const deadline = deps.clock.monotonicMs() + SUPERVISOR_START_MS;
  while (!hasTakenOver(spec, child.pid)) {
    if (deps.clock.monotonicMs() > deadline || child.exitCode !== null) {
      throw new Error(`The supervisor did not start: see ${path.join(logDir, 'supervisor.log')}`);
    }
    await deps.clock.after(5);
  }
}

const SUPERVISOR_START_MS = 10_000;

function hasTakenOver(spec: LabSpec, pid: number | undefined): boolean {
  const state = readSupervisorState(spec.runDir);
  return state !== undefined && state.pid === pid && isAlive(state) && state.processes.length > 0;
}
