/**
 * Network configurations of the CNI: a list of plugins that are run one after the other. Pure but for
 * {@link readCniConfig}.
 *
 * Source: CNI specification 1.1.0, section 1; libcni/conf.go of 1.3 for which file counts.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface CniConfig {
  readonly cniVersion: string;
  readonly name: string;
  /** At least one. */
  readonly plugins: readonly CniPlugin[];
}

/** What a plugin is given on its standard input, but for what is added to it. */
export interface CniPlugin {
  /** The name of its program. */
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [field: string]: unknown;
}

const EXTENSIONS = ['.conflist', '.conf', '.json'];
/** Name of a network; it becomes part of file names. Source: the specification. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** A program in the plugin folder and nothing else. */
const TYPE = /^[^/\0]+$/;
/** Stands for the node's pod network, as in containerd's templates. */
const POD_CIDR = /\{\{\s*\.PodCIDR\s*\}\}/g;

/**
 * The first file, in the order of names, that is a configuration; undefined when the folder has none.
 * Throws when that file is wrong: another network than the one meant must not be taken instead.
 */
export function readCniConfig(folder: string, podCidr: string): CniConfig | undefined {
  const [file] = configFiles(folder);
  if (file === undefined) return undefined;
  const text = readFileSync(path.join(folder, file), 'utf8').replaceAll(POD_CIDR, podCidr);
  return parseCniConfig(text, file);
}

function configFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => EXTENSIONS.includes(path.extname(name)))
      .sort();
  } catch {
    return []; // There is no such folder (yet).
  }
}

/** Throws with the file and what is wrong with it. A single plugin is a list of one. */
export function parseCniConfig(text: string, file: string): CniConfig {
  const wrong = (what: string): never => {
    throw new Error(`CNI configuration ${file}: ${what}`);
  };
  let value: Partial<CniConfig> & Partial<CniPlugin>;
  try {
    value = JSON.parse(text) as typeof value;
  } catch (cause) {
    throw new Error(`CNI configuration ${file} is no JSON`, { cause });
  }
  const { cniVersion = '0.1.0', name = '' } = value;
  if (!NAME.test(name)) return wrong(`"${name}" is no name of a network`);
  const plugins = value.plugins ?? [value as CniPlugin];
  if (!Array.isArray(plugins) || plugins.length === 0) return wrong('it has no plugins');
  for (const { type } of plugins as readonly Partial<CniPlugin>[]) {
    if (type === undefined || !TYPE.test(type) || type === '..') {
      return wrong(`"${type ?? ''}" is no name of a plugin`);
    }
  }
  return { cniVersion, name, plugins };
}
