/**
 * What the specs of the CRI run against, and short words for what they do again and again. Each spec
 * holds for any runtime; what only ours promises is tested in test/integration/runtime.
 *
 * Source: kubernetes-sigs/cri-tools pkg/validate, by what it checks.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { CriClient } from '../../../proto/cri/client.ts';
import type { ContainerConfig, Input, PodSandboxConfig } from '../../../proto/cri/types.ts';
import type { CriPods } from '../../support/cri-pods.ts';

export interface CriTarget {
  readonly client: CriClient;
  /** Its containers have busybox. */
  readonly pods: CriPods;
  /** By reference, of `pods`. */
  readonly image: string;
  /** A folder of the machine for volumes. */
  readonly folder: string;
  /** Removes everything; fails when something is left. */
  close(): Promise<void>;
}

/** The target is there once the specs run. */
export type GetTarget = () => CriTarget;

/** Declares one spec, as `it` does. */
export type Spec = (title: string, check: () => Promise<void>) => void;

type SecurityContext = NonNullable<NonNullable<ContainerConfig['linux']>['security_context']>;

export const SLEEP = ['/bin/sleep', '1000000'];

/** Runs the work with a sandbox, which is removed after it. */
export async function withSandbox(
  { client, pods }: CriTarget,
  work: (sandbox: string) => Promise<void>,
  changes: Input<PodSandboxConfig> = {},
): Promise<void> {
  const sandbox = await pods.runSandbox(changes);
  try {
    await work(sandbox);
  } finally {
    await client.removePodSandbox({ pod_sandbox_id: sandbox });
  }
}

/** Runs the work with a container that sleeps, in a sandbox of its own. */
export async function withContainer(
  target: CriTarget,
  work: (id: string, sandbox: string) => Promise<void>,
  changes: Input<ContainerConfig> = {},
): Promise<void> {
  await withSandbox(target, async (sandbox) => {
    await work(await target.pods.startContainer(sandbox, SLEEP, changes), sandbox);
  });
}

/** With a PID namespace of its own, as the kubelet asks. */
export function secured(context: Input<SecurityContext>): Input<ContainerConfig> {
  return {
    linux: { security_context: { namespace_options: { pid: 'CONTAINER' }, ...context } },
  };
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export async function exec(
  { client }: CriTarget,
  id: string,
  ...cmd: readonly string[]
): Promise<Outcome> {
  const { stdout, stderr, exit_code } = await client.execSync({ container_id: id, cmd });
  return { stdout: stdout.toString(), stderr: stderr.toString(), code: exit_code };
}

/** What the command prints; fails when the command does. */
export async function output(
  target: CriTarget,
  id: string,
  ...cmd: readonly string[]
): Promise<string> {
  const { stdout, stderr, code } = await exec(target, id, ...cmd);
  assert.equal(code, 0, `${cmd.join(' ')}: ${stderr}`);
  return stdout.trim();
}

export const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script];

/** The log of a container as far as it is written. */
export async function logOf({ pods }: CriTarget, id: string): Promise<string> {
  const { log_path } = await pods.status(id);
  return existsSync(log_path) ? readFileSync(log_path, 'utf8') : '';
}
