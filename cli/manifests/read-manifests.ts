/**
 * Reads the objects of `-f FILE|DIR|-`: YAML or JSON, several documents a file, `kind: List` opened.
 * A folder gives its .yaml, .yml and .json files in the order of their names.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

/** An object as its author wrote it; only what names it has been checked. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
  };
  readonly [field: string]: unknown;
}

/** What is wrong with a manifest, in one line that names the file and, where known, the line. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];
/** Larger input is not a manifest, but a mistake. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Throws {@link ManifestError}. `readStdin` is called for `-`. */
export function readManifests(
  sources: readonly string[],
  readStdin: () => string,
): readonly ManifestObject[] {
  return sources.flatMap((source) =>
    source === '-' ? parseManifests(readStdin(), 'standard input') : readPath(source),
  );
}

/** The objects of one text; documents that are empty are passed over. */
export function parseManifests(text: string, source: string): readonly ManifestObject[] {
  const documents = parseAllDocuments(text, { logLevel: 'silent', maxAliasCount: 100 } as object);
  const list = Array.isArray(documents) ? documents : [];
  return list.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new ManifestError(`${source}: not valid YAML: ${error.message.split('\n')[0]}`, {
        cause: error,
      });
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value === null || value === undefined ? [] : openLists(value, source);
  });
}

function readPath(source: string): readonly ManifestObject[] {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) throw new ManifestError(`the path "${source}" does not exist`);
  if (!stat.isDirectory()) {
    if (stat.size > INPUT_BYTES_MAX) throw new ManifestError(`"${source}" is over 64 MiB`);
    return parseManifests(readFileSync(source, 'utf8'), source);
  }
  const files = readdirSync(source).filter((file) => EXTENSIONS.includes(path.extname(file)));
  if (files.length === 0) {
    throw new ManifestError(`"${source}" holds no file that ends in ${EXTENSIONS.join(', ')}`);
  }
  return files.sort().flatMap((file) => readPath(path.join(source, file)));
}

function openLists(value: unknown, source: string): readonly ManifestObject[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestError(`${source}: a document is not an object`);
  }
  const object = value as Record<string, unknown>;
  if (typeof object.kind !== 'string' || object.kind === '') {
    throw new ManifestError(
      `${source}: Object 'Kind' is missing in '${JSON.stringify(value).slice(0, 120)}'`,
    );
  }
  if (typeof object.apiVersion !== 'string' || object.apiVersion === '') {
    throw new ManifestError(`${source}: apiVersion not set in a ${object.kind}`);
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    return object.items.flatMap((item: unknown) => openLists(item, source));
  }
  if (typeof object.metadata !== 'object' || object.metadata === null) {
    throw new ManifestError(`${source}: metadata is missing in a ${object.kind}`);
  }
  return [object as unknown as ManifestObject];
}
