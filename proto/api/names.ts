/**
 * The rules of names, label keys and label values. Each function returns what is wrong with the text,
 * in upstream's words; an empty list means that the text is right. Never throws.
 *
 * Source: kubernetes/apimachinery pkg/api/validate/content, pkg/util/validation/validation.go, v0.36.
 */

const DNS_LABEL_LENGTH_MAX = 63;
const DNS_SUBDOMAIN_LENGTH_MAX = 253;
const LABEL_VALUE_LENGTH_MAX = 63;
const PORT_NAME_LENGTH_MAX = 15;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const NAME_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${NAME_PART})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const PERCENT = '[0-9]+%';
const HTTP_HEADER = '[-A-Za-z0-9]+';

const LABEL_REGEXP = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_REGEXP = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035_REGEXP = new RegExp(`^${LABEL_1035}$`);
const NAME_PART_REGEXP = new RegExp(`^${NAME_PART}$`);
const LABEL_VALUE_REGEXP = new RegExp(`^${LABEL_VALUE}$`);
const CONFIG_KEY_REGEXP = new RegExp(`^${CONFIG_KEY}$`);
const PERCENT_REGEXP = new RegExp(`^${PERCENT}$`);
const HTTP_HEADER_REGEXP = new RegExp(`^${HTTP_HEADER}$`);

const NAME_PART_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const NAME_PART_ERROR = regexError(NAME_PART_TEXT, NAME_PART, ['MyName', 'my.name', '123-abc']);

/** RFC 1123 label, up to 63 bytes: names of namespaces, containers, volumes. */
export function dns1123LabelErrors(text: string): readonly string[] {
  const errors = tooLong(text, DNS_LABEL_LENGTH_MAX);
  if (LABEL_REGEXP.test(text)) return errors;
  const what =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...errors, regexError(what, LABEL, ['my-name', '123-abc'])];
}

/** RFC 1123 subdomain, up to 253 bytes: names of most objects. */
export function dns1123SubdomainErrors(text: string): readonly string[] {
  const errors = tooLong(text, DNS_SUBDOMAIN_LENGTH_MAX);
  if (SUBDOMAIN_REGEXP.test(text)) return errors;
  const what =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexError(what, SUBDOMAIN, ['example.com'])];
}

/** RFC 1035 label, up to 63 bytes: names of services. */
export function dns1035LabelErrors(text: string): readonly string[] {
  const errors = tooLong(text, DNS_LABEL_LENGTH_MAX);
  if (LABEL_1035_REGEXP.test(text)) return errors;
  const what =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...errors, regexError(what, LABEL_1035, ['my-name', 'abc-123'])];
}

/** `name` or `prefix/name`: keys of labels, annotations and taints, names of finalizers. */
export function qualifiedNameErrors(text: string): readonly string[] {
  const parts = text.split('/');
  if (parts.length > 2) {
    const hint = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a valid label key ${NAME_PART_ERROR}${hint}`];
  }
  const [name = '', prefix] = parts.reverse();
  const errors: string[] = [];
  if (prefix === '') errors.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    errors.push(...dns1123SubdomainErrors(prefix).map((error) => `prefix part ${error}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  errors.push(...tooLong(name, DNS_LABEL_LENGTH_MAX).map((error) => `name part ${error}`));
  if (!NAME_PART_REGEXP.test(name)) errors.push(`name part ${NAME_PART_ERROR}`);
  return errors;
}

export function labelValueErrors(text: string): readonly string[] {
  const errors = tooLong(text, LABEL_VALUE_LENGTH_MAX);
  if (LABEL_VALUE_REGEXP.test(text)) return errors;
  const what = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
  return [...errors, regexError(what, LABEL_VALUE, ['MyValue', 'my_value', '12345'])];
}

/** What may stand as one segment of a URL path: names of roles, role bindings. */
export function pathSegmentErrors(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%']
    .filter((character) => text.includes(character))
    .map((character) => `may not contain '${character}'`);
}

/** A key of a ConfigMap or Secret. */
export function configMapKeyErrors(text: string): readonly string[] {
  const errors = tooLong(text, DNS_SUBDOMAIN_LENGTH_MAX);
  if (!CONFIG_KEY_REGEXP.test(text)) {
    const what = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    errors.push(regexError(what, CONFIG_KEY, ['key.name', 'KEY_NAME', 'key-name']));
  }
  return [...errors, ...relativePathErrors(text)];
}

/** A name of an environment variable: printable ASCII without `=`. */
export function environmentNameErrors(text: string): readonly string[] {
  if (text === '') return ['environment variable name must be non-empty'];
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(text)) return [];
  return [
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ];
}

export function portNumberErrors(port: number): readonly string[] {
  if (port >= 1 && port <= 65_535) return [];
  return ['must be between 1 and 65535, inclusive'];
}

/** The name of a port, up to 15 bytes, with at least one letter. */
export function portNameErrors(text: string): readonly string[] {
  const errors: string[] = [];
  if (text.length > PORT_NAME_LENGTH_MAX) errors.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(text)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(text)) errors.push('must contain at least one letter (a-z)');
  if (text.includes('--')) errors.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) {
    errors.push('must not begin or end with a hyphen');
  }
  return errors;
}

export function percentErrors(text: string): readonly string[] {
  if (PERCENT_REGEXP.test(text)) return [];
  const what = "a valid percent string must be a numeric string followed by an ending '%'";
  return [regexError(what, PERCENT, ['1%', '93%'])];
}

export function httpHeaderNameErrors(text: string): readonly string[] {
  if (HTTP_HEADER_REGEXP.test(text)) return [];
  const what = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [regexError(what, HTTP_HEADER, ['X-Header-Name'])];
}

/** `prefix` with the dash at its end replaced: the rules of names apply to it then. */
export function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}

function relativePathErrors(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`must not be '${text}'`];
  return text.startsWith('..') ? ["must not start with '..'"] : [];
}

function tooLong(text: string, max: number): string[] {
  if (text.length <= max && Buffer.byteLength(text) <= max) return [];
  return [`must be no more than ${max} bytes`];
}

function regexError(what: string, format: string, examples: readonly string[]): string {
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${what} (e.g. ${list}regex used for validation is '${format}')`;
}
