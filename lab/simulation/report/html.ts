/**
 * Markup that is well-formed by construction: elements are made of names, attributes and children, and all
 * text is escaped when it comes in. Void HTML elements and SVG ones are closed with a slash, so that the
 * document is well-formed XML too.
 */

/** Markup; plain strings are text and are escaped. */
export interface Markup {
  readonly markup: string;
}

export type Child = Markup | string | number | undefined | readonly Child[];
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const VOID = /^(?:meta|br|hr|link|input|col)$/;

/** Attributes that are false or undefined are left out, true ones have their own name as value. */
export function element(name: string, attributes: Attributes, ...children: Child[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => ` ${key}="${escapeText(value === true ? key : textOf(value))}"`)
    .join('');
  const content = children.map(render).join('');
  if (VOID.test(name)) return { markup: `<${name}${written}/>` };
  return { markup: `<${name}${written}>${content}</${name}>` };
}

export function render(child: Child): string {
  if (child === undefined) return '';
  if (typeof child === 'string' || typeof child === 'number') return escapeText(textOf(child));
  if ('markup' in child) return child.markup;
  return child.map(render).join('');
}

/** Also what XML forbids (control characters) is taken out. */
export function escapeText(text: string): string {
  return text
    .replace(CONTROL, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** For a script element: JSON in which nothing can end the element or open a comment. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids.
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** Coordinates need no more than two digits after the point. */
function textOf(value: string | number | boolean | undefined): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : String(value);
}
