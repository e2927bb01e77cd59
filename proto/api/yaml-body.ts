/**
 * YAML as Kubernetes reads it: the values of YAML 1.1 (`yes` is true, `0755` is octal), but no dates
 * and no sexagesimal numbers; merge keys; keys given twice are reported, and fatal only where the
 * caller wants. Aliases may not blow up a small text.
 *
 * Source: sigs.k8s.io/yaml v1.4 and the goyaml.v2 in it; yaml.org/type.
 */

import { type Document, parseAllDocuments, type Tags } from 'yaml';
import { badRequest } from './status-error.ts';
import { guardTree, type ParsedBody } from './strict-json.ts';

/** Nodes that aliases may add; a real manifest has a handful. */
const ALIASES_MAX = 1000;

/** The parser is some fifty times slower than JSON's: characters of one text, as bodies are limited. */
export const YAML_LENGTH_MAX = 3 * 1024 * 1024;

/** Values that goyaml reads as text, and this library would not. */
const TEXT_HERE = /:(timestamp|binary|omap|pairs|set)$/;

/** Parses one document; throws an ApiError 400 for none, several, or what is not YAML. */
export function parseYamlBody(body: string | Uint8Array): ParsedBody {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
  const documents = parseYamlDocuments(text);
  const [first] = documents;
  if (first === undefined) throw badRequest('the object provided is empty');
  if (documents.length > 1) throw badRequest('the body holds more than one YAML document');
  return first;
}

/** Parses a stream of documents (`---`); empty ones are left out. Throws as {@link parseYamlBody}. */
export function parseYamlDocuments(text: string): readonly ParsedBody[] {
  if (text.length > YAML_LENGTH_MAX) {
    throw badRequest(`YAML of more than ${YAML_LENGTH_MAX} characters is not accepted`);
  }
  const documents = parseAllDocuments(text, {
    version: '1.1',
    merge: true,
    uniqueKeys: true,
    customTags: likeGo,
    logLevel: 'silent',
    prettyErrors: true,
  });
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => parsed(document, text)).filter(({ value }) => value !== null);
}

function parsed(document: Document, text: string): ParsedBody {
  const duplicates: string[] = [];
  for (const error of document.errors) {
    const line = error.linePos?.[0].line ?? 0;
    if (error.code !== 'DUPLICATE_KEY') {
      const [what = ''] = error.message.split(/ at line |\n/);
      throw badRequest(`error converting YAML to JSON: yaml: line ${line}: ${what}`);
    }
    const key = /^["']?([^:"'\s]+)/.exec(text.slice(error.pos[0], error.pos[0] + 256))?.[1] ?? '';
    duplicates.push(`line ${line}: key ${JSON.stringify(key)} already set in map`);
  }
  const value = toValue(document);
  guardTree(value);
  return { value, duplicates };
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`error converting YAML to JSON: yaml: ${why}`, { cause: error });
  }
}

function likeGo(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || !(TEXT_HERE.test(tag.tag) || isSexagesimal(tag)),
  );
}

function isSexagesimal(tag: object): boolean {
  return 'format' in tag && tag.format === 'TIME';
}
