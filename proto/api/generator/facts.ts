/** The shape of the fact table that the generator reads, and what of it the product takes. */

import { ALPHA_KINDS, VERSION_ONLY_TYPES } from './served.ts';

export type TypeRef = string | { readonly map: TypeRef };

/** One field of a type; the letters are explained in the table's own page. */
export interface FieldFact {
  readonly json?: string;
  readonly n?: number;
  readonly pn?: string;
  readonly t: TypeRef;
  readonly ptr?: boolean;
  readonly keep?: boolean;
  readonly omitzero?: boolean;
  readonly req?: boolean;
  readonly def?: unknown;
  readonly enum?: readonly string[];
  readonly list?: 'atomic' | 'set' | 'map';
  readonly keys?: readonly string[];
  readonly unmarked?: boolean;
  readonly mapType?: 'atomic' | 'granular';
  readonly struct?: 'atomic' | 'granular';
  readonly patch?: string;
  readonly patchKey?: string;
  readonly inline?: boolean;
}

export interface TypeFact {
  readonly proto?: string;
  readonly tm?: boolean;
  readonly atomic?: boolean;
  readonly wrap?: boolean;
  readonly custom?: unknown;
  readonly fields?: readonly FieldFact[];
}

export interface KindFact {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly list?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly string[];
  readonly subresourcesKnown?: readonly string[];
  readonly verbs?: readonly string[];
  readonly verbsKnown?: readonly string[];
  readonly schema: string;
  readonly served?: boolean;
}

export interface Facts {
  readonly version: string;
  readonly kinds: readonly KindFact[];
  readonly types: Readonly<Record<string, TypeFact>>;
}

/** Parses the table; throws when it is not one. */
export function parseFacts(text: string): Facts {
  const facts = JSON.parse(text) as Partial<Facts>;
  if (!Array.isArray(facts.kinds) || typeof facts.types !== 'object') {
    throw new Error('The file is not a table of API facts: "kinds" and "types" are missing');
  }
  return facts as Facts;
}

/** Whether the product keeps the kind's types: all that is generally available, and a few besides. */
export function isKept({ group, version, kind, served }: KindFact): boolean {
  if (ALPHA_KINDS.has(`${group}/${version}/${kind}`)) return true;
  return served === true && /^v\d+$/.test(version);
}

/** Names of all types that the kinds reach, and those of options and subresources; sorted. */
export function reachableTypes(facts: Facts, kinds: readonly KindFact[]): readonly string[] {
  const seen = new Set<string>();
  const visit = (ref: TypeRef): void => {
    if (typeof ref !== 'string') {
      visit(ref.map);
      return;
    }
    const type = facts.types[ref];
    if (type === undefined || seen.has(ref)) return;
    seen.add(ref);
    for (const field of type.fields ?? []) visit(field.t);
  };
  for (const kind of kinds) visit(kind.schema);
  for (const name of VERSION_ONLY_TYPES) visit(name);
  return [...seen].sort();
}
