/**
 * How a registry says what it wants to see: the WWW-Authenticate header. Pure.
 *
 * Source: RFC 9110 section 11.6.1; distribution docs/spec/auth/token.md.
 */

export type Challenge =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: string;
      readonly service: string;
      readonly scope: string;
    };

/** Bytes of the header that are looked at. */
const HEADER_MAX = 8 * 1024;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** `name=value` or `name="quoted \" value"`. */
const PARAMETER = new RegExp(`^\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`);
const SCHEME = new RegExp(`^[\\s,]*(${TOKEN})(?=\\s|,|$)`);

/** The challenges that are understood, in the header's order. Never throws. */
export function parseChallenges(header: string): readonly Challenge[] {
  const found: Challenge[] = [];
  let rest = header.slice(0, HEADER_MAX);
  for (let scheme = SCHEME.exec(rest); scheme !== null; scheme = SCHEME.exec(rest)) {
    rest = rest.slice(scheme[0].length);
    const parameters = new Map<string, string>();
    for (let next = PARAMETER.exec(rest); next !== null; next = PARAMETER.exec(rest)) {
      const [text, name = '', quoted, plain = ''] = next;
      parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain);
      rest = rest.slice(text.length).replace(/^\s*,/, '');
    }
    const kind = scheme[1]?.toLowerCase();
    if (kind === 'basic') found.push({ kind });
    if (kind === 'bearer') {
      const of = (name: string): string => parameters.get(name) ?? '';
      found.push({ kind, realm: of('realm'), service: of('service'), scope: of('scope') });
    }
  }
  return found;
}
