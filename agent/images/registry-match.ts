/**
 * Whether credentials that are kept for a registry are for an image. Pure.
 *
 * A key is `HOST`, `HOST:PORT` or either with a path, with or without `https://` and the `/v1/` or
 * `/v2/` that Docker writes. `*` stands for part of one label of the host; the path is a prefix.
 *
 * Source: kubernetes pkg/credentialprovider/keyring.go, v1.36.
 */

interface Place {
  readonly host: string;
  readonly port: string;
  /** `/team/app`, or empty. */
  readonly path: string;
}

const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The keys that are for the image, the most particular first. */
export function matchingKeys(keys: readonly string[], image: string): readonly string[] {
  const wanted = placeOfImage(image);
  return keys
    .map((key) => ({ key, place: placeOf(key) }))
    .filter(({ place }) => isFor(place, wanted))
    .toSorted((a, b) => textOf(b.place).localeCompare(textOf(a.place)))
    .map(({ key }) => key);
}

/** `registry.example:5000`, `docker.io`. A first component without `.` or `:`, and not `localhost`, is no host. */
export function registryOf(image: string): string {
  const { host, port } = placeOfImage(image);
  return port === '' ? host : `${host}:${port}`;
}

function placeOfImage(image: string): Place {
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  // A tag that was cut off may have been the port of a name without a path; such a name is no image.
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost ? placeOf(name) : placeOf(`docker.io/${name}`);
}

function placeOf(key: string): Place {
  const text = key.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$/, '');
  const slash = text.indexOf('/');
  const authority = slash < 0 ? text : text.slice(0, slash);
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  const path = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '');
  return { host: HUB_NAMES.includes(host) ? 'docker.io' : host, port, path };
}

function isFor(place: Place, wanted: Place): boolean {
  const labels = place.host.split('.');
  const wantedLabels = wanted.host.split('.');
  return (
    place.host !== '' &&
    labels.length === wantedLabels.length &&
    place.port === wanted.port &&
    labels.every((label, index) => matches(label, wantedLabels[index] ?? '')) &&
    wanted.path.startsWith(place.path)
  );
}

/** Linear, whatever the pattern: each part between stars is looked for once, from the left. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() ?? '';
  const last = parts.pop();
  if (last === undefined) return first === text;
  if (!text.startsWith(first) || !text.slice(first.length).endsWith(last)) return false;
  let rest = text.slice(first.length, text.length - last.length);
  for (const part of parts) {
    const at = rest.indexOf(part);
    if (at < 0) return false;
    rest = rest.slice(at + part.length);
  }
  return true;
}

function textOf({ host, port, path }: Place): string {
  return `${host}${port === '' ? '' : `:${port}`}${path}`;
}
