/**
 * Loads a policy file into this thread. The code in the file runs with all rights of the process: who
 * loads it in a scheduler does so in a worker (sandbox/), which can be ended. Modules stay loaded, so
 * a file that changes is loaded anew only in a new thread or process.
 */

import { readFile } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPlugins, checkPolicy, errorText, PolicyError } from './check-policy.ts';
import type { Policy } from './policy.ts';
import { NO_PERMITS } from './policy-profile.ts';

/** What policy files may import without a package, and where it is. */
const PUBLISHED: Readonly<Record<string, string>> = {
  'skiff/policy': new URL('policy.ts', import.meta.url).href,
  'skiff/policy/gpu': new URL('../gpu/gpu-share.ts', import.meta.url).href,
  'skiff/policy/testing': new URL('testing.ts', import.meta.url).href,
};
let isHooked = false;

/** Throws a {@link PolicyError} of one line, which names the file, and the line when it is known. */
export async function loadPolicy(file: string): Promise<Policy> {
  const absolute = path.resolve(file);
  await expectReadable(file, absolute);
  publishTypes();
  let exported: { readonly policy?: unknown };
  try {
    exported = (await import(pathToFileURL(absolute).href)) as { readonly policy?: unknown };
  } catch (error) {
    throw new PolicyError(loadFailure(file, absolute, error), { cause: error });
  }
  if (exported.policy === undefined) {
    const names = Object.keys(exported).join(', ');
    throw new PolicyError(
      `${file}: exports no "policy"${names === '' ? '' : ` (only ${names})`}: write "export const policy: Policy = { … }"`,
    );
  }
  try {
    const policy = checkPolicy(exported.policy);
    // What the factory gives is looked at here, so that a mistake shows before the first pod.
    const parameters = policy.parameters ?? {};
    checkPlugins(policy, { random: () => 0, seed: 0, parameters, permits: NO_PERMITS });
    return policy;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new PolicyError(`${file}: ${error.message}`, { cause: error });
  }
}

async function expectReadable(file: string, absolute: string): Promise<void> {
  if (!/\.[cm]?[jt]s$/.test(absolute)) {
    throw new PolicyError(`${file}: a policy is a TypeScript file, as "my-policy.ts"`);
  }
  try {
    await readFile(absolute);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const why = READ_FAILURES[code] ?? `can't be read (${code})`;
    throw new PolicyError(`policy file "${file}" ${why}`, { cause: error });
  }
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder, not a file',
  EACCES: "can't be read: permission denied",
};

/** `skiff/policy` is found from everywhere, also where no package.json or node_modules is. */
function publishTypes(): void {
  if (isHooked) return;
  isHooked = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = PUBLISHED[specifier];
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
}

/** `FILE:LINE: what`, from the several forms that Node gives such failures. */
function loadFailure(file: string, absolute: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = [...stack.matchAll(/(?:file:\/\/)?([^\s(]+?\.[cm]?[jt]s)(?:\?[^:\s]*)?:(\d+)/g)];
  const own = frames.find(([, where = '']) => decodeURI(where) === absolute);
  // A mistake in another file that the policy imports is said with that file's name.
  const [, where = '', line] = own ?? frames.find(([, at = '']) => at.startsWith('/')) ?? [];
  if (line === undefined || where.includes('/scheduler/policy/')) {
    return `${file}: ${errorText(error)}`;
  }
  return `${own === undefined ? where : file}:${line}: ${errorText(error)}`;
}
