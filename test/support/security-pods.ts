/**
 * Containers with a security context, through the CRI: what they print, and how they end. For tests of
 * what a container may do.
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type {
  ContainerConfig,
  Input,
  LinuxContainerSecurityContext,
  PodSandboxConfig,
} from '../../proto/cri/types.ts';
import type { RuntimeNode } from './runtime-node.ts';

export interface Finished {
  readonly exitCode: number;
  /** What it wrote to standard output and standard error. */
  readonly output: string;
}

/** Runs a shell command to its end in a new container of the sandbox, and removes the container. */
export async function runShell(
  node: RuntimeNode,
  sandbox: string,
  command: string,
  security: Input<LinuxContainerSecurityContext> = {},
  changes: Input<ContainerConfig> = {},
): Promise<Finished> {
  const id = await node.startContainer(sandbox, ['/bin/sh', '-c', command], {
    metadata: { name: randomUUID(), attempt: 0 },
    // The log of a container outlives it.
    log_path: `${randomUUID()}.log`,
    linux: { security_context: { namespace_options: { pid: 'CONTAINER' }, ...security } },
    ...changes,
  });
  const { exit_code: exitCode, log_path: log } = await node.waitForExit(id);
  const output = readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => line.split(' ').slice(3).join(' '))
    .join('\n')
    .trim();
  await node.client.removeContainer({ container_id: id });
  return { exitCode, output };
}

/** What a container that succeeds prints. */
export async function printed(...run: Parameters<typeof runShell>): Promise<string> {
  const { exitCode, output } = await runShell(...run);
  assert.equal(exitCode, 0, output);
  return output;
}

/** The linux part of a sandbox whose namespaces are chosen. */
export function sandboxWith(
  options: NonNullable<
    NonNullable<
      NonNullable<Input<PodSandboxConfig>['linux']>['security_context']
    >['namespace_options']
  >,
): Input<PodSandboxConfig> {
  return {
    linux: {
      security_context: {
        namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD', ...options },
      },
    },
  };
}
