/**
 * What a container's first process is given, from the request and the image. Pure.
 *
 * Source: api.proto (ContainerConfig); OCI image-spec conversion.md (Entrypoint and Cmd).
 */

import { CriError } from '../../../proto/cri/rpcs.ts';
import type { ContainerConfig, LinuxContainerSecurityContext } from '../../../proto/cri/types.ts';
import type { ProcessSpec } from '../container/spec.ts';
import type { ImageConfig } from '../image/image.ts';
import type { ContainerUser } from '../store/container-record.ts';
import { capabilitiesOf } from './capabilities.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProcessInput {
  readonly config: ContainerConfig;
  readonly image: ImageConfig;
  readonly user: ContainerUser;
  /** The user's home in the image. */
  readonly home: string;
  /** Of the pod; empty on the node's UTS namespace. */
  readonly hostname: string;
}

/** Throws a CriError at what is wrong. */
export function processSpec(input: ProcessInput): ProcessSpec {
  const { config, image, user } = input;
  const context = config.linux?.security_context ?? null;
  const oomScoreAdj = Number(config.linux?.resources?.oom_score_adj ?? 0);
  const { gid } = user;
  return {
    args: commandLine(config, image),
    env: environment(input),
    cwd: workingDirectory(config.working_dir || image.workingDir || '/'),
    user: {
      uid: user.uid,
      gid,
      supplementalGroups: user.supplementalGroups.filter((group) => group !== gid),
    },
    capabilities: capabilities(context),
    ambientCapabilities: ambientCapabilities(context),
    noNewPrivileges: context?.no_new_privs ?? false,
    ...(oomScoreAdj === 0 ? {} : { oomScoreAdj }),
    rlimits: [],
  };
}

/** `command` replaces the entrypoint and drops the image's arguments; `args` replace the arguments. */
export function commandLine(
  { command, args }: Pick<ContainerConfig, 'command' | 'args'>,
  image: Pick<ImageConfig, 'entrypoint' | 'cmd'>,
): readonly string[] {
  const imageArgs = command.length > 0 ? [] : image.cmd;
  const program = command.length > 0 ? command : image.entrypoint;
  const line = [...program, ...(args.length > 0 ? args : imageArgs)];
  if (line.length === 0 || line[0] === '') {
    throw new CriError('INVALID_ARGUMENT', 'no command specified');
  }
  if (line.some((word) => word.includes('\0'))) {
    throw new CriError('INVALID_ARGUMENT', 'the command has a NUL character');
  }
  return line;
}

/** The image's first, then the request's, then what every program expects to find. */
function environment({ config, image, hostname, home }: ProcessInput): readonly string[] {
  const values = new Map<string, string>();
  for (const entry of image.env) {
    const equals = entry.indexOf('=');
    if (equals > 0) values.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  for (const { key, value } of config.envs) values.set(key, value.toString('utf8'));
  const defaults = [
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', hostname],
    ['HOME', home],
    ['TERM', config.tty ? 'xterm' : ''],
  ] as const;
  for (const [key, value] of defaults) {
    if (value !== '' && !values.has(key)) values.set(key, value);
  }
  const lines = [...values].map(([key, value]) => `${key}=${value}`);
  if (lines.some((line) => line.includes('\0')) || values.has('')) {
    throw new CriError('INVALID_ARGUMENT', 'an environment variable is not valid');
  }
  return lines;
}

function workingDirectory(folder: string): string {
  if (folder.startsWith('/') && !folder.includes('\0')) return folder;
  throw new CriError('INVALID_ARGUMENT', `working directory "${folder}" is not absolute`);
}

function capabilities(context: LinuxContainerSecurityContext | null): readonly string[] {
  return capabilitiesOf({
    isPrivileged: context?.privileged ?? false,
    add: [
      ...(context?.capabilities?.add_capabilities ?? []),
      ...(context?.capabilities?.add_ambient_capabilities ?? []),
    ],
    drop: context?.capabilities?.drop_capabilities ?? [],
  });
}

function ambientCapabilities(context: LinuxContainerSecurityContext | null): readonly string[] {
  const names = context?.capabilities?.add_ambient_capabilities ?? [];
  return names.length === 0
    ? []
    : capabilitiesOf({ isPrivileged: false, add: names, drop: ['ALL'] });
}
