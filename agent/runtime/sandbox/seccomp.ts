/**
 * The seccomp filter of a container, from what the CRI asks for. What is absent is not confined, what is
 * present without a type is RuntimeDefault (the enum's zero), and a privileged container has none.
 *
 * Source: api.proto (SecurityProfile, seccomp_profile_path), containerd internal/cri/server
 * container_create_linux.go.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import os from 'node:os';
import { CriError } from '../../../proto/cri/rpcs.ts';
import type { LinuxContainerSecurityContext, SecurityProfile } from '../../../proto/cri/types.ts';
import { assembleFilter, encodeFilter } from '../seccomp/assemble-filter.ts';
import { parseProfile } from '../seccomp/parse-profile.ts';
import type { SeccompFilter, SeccompProfile } from '../seccomp/profile.ts';
import { runtimeDefaultProfile } from '../seccomp/runtime-default.ts';
import type { SeccompArchitecture } from '../seccomp/syscall-names.ts';

/** Docker's own profile has 15 KiB. */
const PROFILE_BYTES_MAX = 1024 * 1024;
/** Containers of a node have few kinds of profiles; beyond it the oldest is assembled again. */
const FILTERS_MAX = 64;

type Asked = Pick<LinuxContainerSecurityContext, 'seccomp' | 'seccomp_profile_path' | 'privileged'>;

const filters = new Map<string, SeccompFilter>();

/** Throws a CriError at a profile that cannot be read or is wrong. */
export function seccompFilter(
  asked: Asked | null,
  capabilities: readonly string[],
): SeccompFilter | undefined {
  if (asked === null || asked.privileged) return undefined;
  const profile = asked.seccomp ?? deprecatedProfile(asked.seccomp_profile_path);
  switch (profile?.profile_type) {
    case undefined:
    case 'Unconfined':
      return undefined;
    case 'RuntimeDefault':
      return cached(`default ${capabilities.join(' ')}`, () => runtimeDefaultProfile(capabilities));
    case 'Localhost':
      return localFilter(profile.localhost_ref, capabilities);
  }
}

function localFilter(file: string, capabilities: readonly string[]): SeccompFilter {
  const text = readProfile(file);
  try {
    return cached(`${capabilities.join(' ')}\n${text}`, () =>
      parseProfile(text, { architecture: architecture(), capabilities, kernel: kernelVersion() }),
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`seccomp profile "${file}": ${reason}`, cause);
  }
}

function cached(key: string, profile: () => SeccompProfile): SeccompFilter {
  const known = filters.get(key);
  if (known !== undefined) return known;
  const resolved = profile();
  const filter = {
    program: encodeFilter(assembleFilter(resolved, architecture())).toString('base64'),
    flags: resolved.flags,
  };
  const [oldest] = filters.keys();
  if (filters.size >= FILTERS_MAX && oldest !== undefined) filters.delete(oldest);
  filters.set(key, filter);
  return filter;
}

/** The field that was there before `seccomp`. */
function deprecatedProfile(path: string): SecurityProfile | null {
  switch (path) {
    case '':
      return null;
    case 'unconfined':
      return { profile_type: 'Unconfined', localhost_ref: '' };
    case 'runtime/default':
    case 'docker/default':
      return { profile_type: 'RuntimeDefault', localhost_ref: '' };
    default:
      if (!path.startsWith('localhost/')) throw invalid(`invalid seccomp profile "${path}"`);
      return { profile_type: 'Localhost', localhost_ref: path.slice('localhost/'.length) };
  }
}

function readProfile(file: string): string {
  if (!file.startsWith('/')) throw invalid(`seccomp profile "${file}" is not an absolute path`);
  try {
    const fd = openSync(file, 'r');
    try {
      if (!fstatSync(fd).isFile()) throw new Error('it is not a file');
      const bytes = Buffer.alloc(PROFILE_BYTES_MAX + 1);
      const length = readSync(fd, bytes);
      if (length > PROFILE_BYTES_MAX)
        throw new Error(`it is larger than ${PROFILE_BYTES_MAX} bytes`);
      return bytes.toString('utf8', 0, length);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`seccomp profile "${file}" could not be read: ${reason}`, cause);
  }
}

function architecture(): SeccompArchitecture {
  const { arch } = process;
  if (arch === 'x64' || arch === 'arm64') return arch;
  throw new CriError('UNIMPLEMENTED', `not implemented: seccomp on ${arch}`);
}

function kernelVersion(): readonly [major: number, minor: number] {
  const [major = 0, minor = 0] = os.release().split(/[.-]/).map(Number);
  return [major, minor];
}

function invalid(message: string, cause?: unknown): CriError {
  return new CriError('INVALID_ARGUMENT', message, cause === undefined ? undefined : { cause });
}
