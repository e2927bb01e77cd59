/** Reads the file of the registry configuration: at each pull, so that a change needs no restart. */

import { readFileSync } from 'node:fs';
import { EMPTY_CONFIG, parseRegistryConfig, type RegistryConfig } from './registry-config.ts';

/** A file that is not there is an empty configuration. Throws when what is there is none. */
export function readRegistryConfig(file: string): RegistryConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return EMPTY_CONFIG;
    throw error;
  }
  try {
    return parseRegistryConfig(text);
  } catch (error) {
    throw new Error(`The registry configuration "${file}" is not valid`, { cause: error });
  }
}
