/** A configuration from a file, checked to the end: after this the profiles can be made. */

import { readFileSync } from 'node:fs';
import type { ProfileDependencies } from '../default-profile.ts';
import type { SchedulerConfiguration } from './configuration.ts';
import { frameworksOf, type Policies } from './frameworks-of.ts';
import { ConfigurationError, readConfiguration } from './read-configuration.ts';

/** The plugins are made to see that they can be, and never used. */
const UNUSED: ProfileDependencies = {
  client: { request: () => Promise.reject(new Error('not connected')) },
  peersOf: () => undefined,
  namespaceLabels: () => ({}),
};

/** Throws a {@link ConfigurationError} that names the file, in one line. */
export function loadConfiguration(
  file: string,
  policies: Policies = new Map(),
): SchedulerConfiguration {
  const result = attempt(file, policies);
  if (typeof result !== 'string') return result;
  throw new ConfigurationError(`${file}: ${result.replaceAll('\n', ' ')}`);
}

/** What is wrong with a file, in one line; undefined when it is good. */
export function configurationProblem(file: string): string | undefined {
  const result = attempt(file, new Map());
  return typeof result === 'string' ? `${file}: ${result.replaceAll('\n', ' ')}` : undefined;
}

/** A text says what is wrong: the error is for a person who edits the file, the stack is not. */
function attempt(file: string, policies: Policies): SchedulerConfiguration | string {
  try {
    const configuration = readConfiguration(readFileSync(file, 'utf8'), new Set(policies.keys()));
    frameworksOf(configuration, UNUSED, policies);
    return configuration;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
