/**
 * Image references: from what a user writes to the one normal form. Pure.
 *
 * `busybox` is `docker.io/library/busybox:latest`, and so on, with one exception: names under
 * `docker.io/skiff/` are built in and never pulled (host-image.ts).
 *
 * Source: distribution/reference (grammar), OCI image-spec descriptor.md (digests).
 */

export interface ImageName {
  /** Host, and port if any. */
  readonly domain: string;
  /** Lower-case path components, joined by slashes. */
  readonly path: string;
  /** Absent only when there is a digest. */
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

export type ParsedReference =
  | { readonly kind: 'name'; readonly name: ImageName }
  /** The 64 hex digits of an image id. */
  | { readonly kind: 'id'; readonly hex: string }
  | { readonly kind: 'invalid'; readonly message: string };

const DEFAULT_DOMAIN = 'docker.io';
const LIBRARY = 'library/';
const NAME_LENGTH_MAX = 255;

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HEX64 = /^[0-9a-f]{64}$/;

/** Never throws. */
export function parseReference(text: string): ParsedReference {
  if (DIGEST.test(text)) return { kind: 'id', hex: text.slice('sha256:'.length) };
  if (HEX64.test(text)) return { kind: 'id', hex: text };
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !DIGEST.test(digest)) return invalid(text, 'not a sha256 digest');
  const { name, tag } = splitTag(at < 0 ? text : text.slice(0, at));
  if (tag !== undefined && !TAG.test(tag)) return invalid(text, 'the tag is not valid');
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain)) return invalid(text, 'the registry host is not valid');
  if (domain.length + 1 + path.length > NAME_LENGTH_MAX) {
    return invalid(text, `the name is longer than ${NAME_LENGTH_MAX} characters`);
  }
  if (!path.split('/').every((component) => COMPONENT.test(component))) {
    return invalid(text, 'the repository must be lower-case letters, digits and separators');
  }
  const effectiveTag = digest === undefined ? (tag ?? 'latest') : tag;
  return { kind: 'name', name: { domain, path, tag: effectiveTag, digest } };
}

/** `docker.io/library/busybox:1.36`, or `…@sha256:…` when there is a digest, which then decides. */
export function formatReference(name: ImageName): string {
  return name.digest === undefined
    ? `${name.domain}/${name.path}:${name.tag ?? 'latest'}`
    : `${name.domain}/${name.path}@${name.digest}`;
}

/** A colon after the last slash starts the tag; any other belongs to the port. */
function splitTag(text: string): { readonly name: string; readonly tag: string | undefined } {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1);
  if (colon < 0) return { name: text, tag: undefined };
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}

/** The first component is a host only when it has a dot, a colon, an upper-case letter, or is localhost. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const domain = isHost && first !== 'index.docker.io' ? first : DEFAULT_DOMAIN;
  const path = isHost ? name.slice(slash + 1) : name;
  const isShort = domain === DEFAULT_DOMAIN && !path.includes('/');
  return { domain, path: isShort ? `${LIBRARY}${path}` : path };
}

function invalid(text: string, why: string): ParsedReference {
  return { kind: 'invalid', message: `invalid reference format: "${text}": ${why}` };
}
