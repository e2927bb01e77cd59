/**
 * Looks into a stack of overlay layers as the kernel would once they are mounted: upper layers hide
 * lower ones, whiteouts hide what is below, symbolic links stay inside the root. For the layers of
 * hostile images: nothing outside the folders given is ever touched, as long as nobody else writes to
 * them.
 */

import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';
import { isWhiteout } from './whiteout.ts';

/** As Linux: more links on one path are a loop. */
const LINKS_MAX = 40;

export interface TreeEntry {
  /** Where it really is. */
  readonly file: string;
  readonly stats: Stats;
  /** Index of the layer. */
  readonly layer: number;
}

export interface Resolved {
  /** The path without symbolic links, relative to the root; empty for the root. */
  readonly names: readonly string[];
  /** Undefined when there is no such file; its parent may be missing as well. */
  readonly entry: TreeEntry | undefined;
}

export class MergedTree {
  readonly #layers: readonly string[];

  /** The top layer first. */
  constructor(layers: readonly string[]) {
    this.#layers = layers;
  }

  /** The names lead through real folders, without symbolic links. */
  lookUp(names: readonly string[]): TreeEntry | undefined {
    for (const [layer, root] of this.#layers.entries()) {
      const found = lookUpInLayer(root, names);
      if (found === 'hidden') return undefined;
      if (found !== undefined) return { ...found, layer };
    }
    return undefined;
  }

  /**
   * Follows symbolic links within the root; the last name too when asked to. `..` above the root stays
   * at the root. Throws at a loop of links, and when a name in the middle is not a folder.
   */
  resolve(file: string, isLastFollowed: boolean): Resolved {
    let names: string[] = [];
    let entry = this.lookUp(names);
    const rest = split(file).reverse();
    let links = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === '..') {
        names = names.slice(0, -1);
        entry = this.lookUp(names);
        continue;
      }
      if (entry !== undefined && !entry.stats.isDirectory()) {
        throw new Error(`"${file}" leads through "/${names.join('/')}", which is not a folder`);
      }
      const next = this.lookUp([...names, name]);
      if (next?.stats.isSymbolicLink() === true && (rest.length > 0 || isLastFollowed)) {
        links += 1;
        if (links > LINKS_MAX) throw new Error(`"${file}" leads through too many symbolic links`);
        const target = readlinkSync(next.file);
        if (target.startsWith('/')) names = [];
        entry = this.lookUp(names);
        rest.push(...split(target).reverse());
        continue;
      }
      names.push(name);
      entry = next;
    }
    return { names, entry };
  }
}

function lookUpInLayer(
  root: string,
  names: readonly string[],
): { readonly file: string; readonly stats: Stats } | 'hidden' | undefined {
  let file = root;
  let stats = lstatSync(root);
  for (const name of names) {
    // Whatever is not a folder here hides all of that name below.
    if (!stats.isDirectory()) return 'hidden';
    file = path.join(file, name);
    const next = lstatSync(file, { throwIfNoEntry: false });
    if (next === undefined) return undefined;
    if (isWhiteout(next)) return 'hidden';
    stats = next;
  }
  return { file, stats };
}

function split(file: string): string[] {
  return file.split('/').filter((name) => name !== '' && name !== '.');
}
