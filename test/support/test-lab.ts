/**
 * A lab for an e2e test, with a random name, its own data folder and kubeconfig. `down` asserts that
 * nothing is left; call it also when the test has failed.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readLabSpec, readSupervisorState } from '../../lab/cluster/lab-files.ts';
import { type LabSpec, runDirOf } from '../../lab/cluster/lab-spec.ts';
import { findLeftovers } from '../../lab/cluster/leftovers.ts';
import { type CommandOptions, type CommandResult, mustRun, runCommand } from './run-command.ts';
import { DEBIAN_KUBECTL } from './setup.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
export const SKIFF = path.join(ROOT, 'skiff');

/** Where kubectls of other versions may be; each found one is tested. */
const OTHER_KUBECTLS = '/usr/lib/google-cloud-sdk/bin/kubectl.1.*';

export class TestLab {
  readonly name: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly dataDir: string;

  /** Nothing is started yet. */
  constructor() {
    this.name = `t${randomBytes(4).toString('hex')}`;
    this.folder = mkdtempSync(path.join(os.tmpdir(), `skiff-${this.name}-`));
    this.kubeconfig = path.join(this.folder, 'kubeconfig');
    this.dataDir = path.join(this.folder, 'data');
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.folder };
  }

  get spec(): LabSpec {
    const spec = readLabSpec(runDirOf(this.name));
    if (spec === undefined) throw new Error(`Lab "${this.name}" is not up`);
    return spec;
  }

  /** Throws with all output, and the ends of the logs, when it is not Ready. */
  async up(...flags: readonly string[]): Promise<string> {
    const args = ['up', '--name', this.name, '--data-dir', this.dataDir, ...flags];
    const result = await this.run(SKIFF, args, { timeoutMs: 180_000 });
    if (result.code === 0) return result.stdout;
    throw new Error(`skiff up failed\n${result.stdout}${result.stderr}\n${this.logs()}`);
  }

  /** Stops the lab, asserts that nothing is left, and removes its folder. */
  async down(...flags: readonly string[]): Promise<string> {
    const args = ['down', '--name', this.name, '--data-dir', this.dataDir, ...flags];
    try {
      const output = await mustRun(SKIFF, args, { env: this.env, timeoutMs: 120_000 });
      const left = findLeftovers(this).filter((finding) => finding.left.length > 0);
      assert.deepEqual(left, []);
      return output;
    } finally {
      if (!flags.includes('--keep-data')) rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Our own verbs and lab commands, with the lab's kubeconfig. */
  skiff(...args: readonly string[]): Promise<string> {
    return mustRun(SKIFF, args, { env: this.env });
  }

  /** Debian's kubectl 1.20. */
  kubectl(...args: readonly string[]): Promise<string> {
    return mustRun(DEBIAN_KUBECTL, args, { env: this.env });
  }

  run(
    command: string,
    args: readonly string[],
    options: CommandOptions = {},
  ): Promise<CommandResult> {
    return runCommand(command, args, { env: this.env, ...options });
  }

  /** An object as JSON. */
  async get<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', ...args, '-o', 'json')) as T;
  }

  /** The process id of a component, as `node-1/agent`. */
  pidOf(component: string): number {
    const state = readSupervisorState(runDirOf(this.name));
    const found = state?.processes.find(({ name }) => name === component);
    if (found === undefined) throw new Error(`Lab "${this.name}" runs no "${component}"`);
    return found.pid;
  }

  /** The end of each component's log, for failures. */
  logs(): string {
    return globSync(path.join(this.dataDir, 'logs', '*.log'))
      .map((file) => `--- ${path.basename(file)}\n${readFileSync(file, 'utf8').slice(-1500)}`)
      .join('\n');
  }
}

/** Version and path of every kubectl on the machine: Debian's 1.20 first. */
export function kubectls(): readonly { readonly version: string; readonly file: string }[] {
  const others = globSync(OTHER_KUBECTLS).map((file) => ({
    version: path.basename(file).replace('kubectl.', ''),
    file,
  }));
  const debian = existsSync(DEBIAN_KUBECTL) ? [{ version: '1.20', file: DEBIAN_KUBECTL }] : [];
  return [...debian, ...others.sort((a, b) => a.version.localeCompare(b.version))];
}
