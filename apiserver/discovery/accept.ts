/**
 * The media types of an `Accept` header, for the documents whose clients tell by parameters what
 * they want (`application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`).
 * Source: RFC 9110 §12.5.1.
 */

export interface MediaRange {
  /** Lower case: `application/json`, `*\/*`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** In the order of the client's preference; what it gives no quality is as good as can be. */
export function parseAccept(header: string | undefined): readonly MediaRange[] {
  const ranges = (header ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(parseRange);
  return ranges
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

function parseRange(text: string): { readonly range: MediaRange; readonly quality: number } {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [name = '', ...value] = part.split('=');
    parameters.set(name.trim().toLowerCase(), value.join('=').trim());
  }
  const quality = Number.parseFloat(parameters.get('q') ?? '1');
  parameters.delete('q');
  return {
    range: { type: type.toLowerCase(), parameters },
    quality: Number.isNaN(quality) ? 0 : quality,
  };
}
