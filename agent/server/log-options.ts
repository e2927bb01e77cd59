/** What a reader of a log asks for, from the query of its request. */

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Undefined: all. */
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** Wall time; lines before it are left out. */
  readonly sinceMs: number | undefined;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

/** A message for the client when the query can't be used. */
export type ParsedLogOptions =
  | { readonly kind: 'options'; readonly options: LogOptions }
  | { readonly kind: 'error'; readonly message: string };

export function parseLogOptions(query: URLSearchParams, nowMs: number): ParsedLogOptions {
  const error = (message: string): ParsedLogOptions => ({ kind: 'error', message });
  const numbers: Record<string, number | undefined> = {};
  for (const name of ['tailLines', 'limitBytes', 'sinceSeconds']) {
    const text = query.get(name);
    if (text === null || text === '') continue;
    const value = Number(text);
    const least = name === 'tailLines' ? 0 : 1;
    if (!Number.isInteger(value) || value < least) {
      return error(`invalid ${name} "${text}": must be an integer of at least ${least}`);
    }
    numbers[name] = value;
  }
  const sinceTime = query.get('sinceTime');
  const since = sinceTime === null || sinceTime === '' ? undefined : parseTimeMs(sinceTime);
  if (since !== undefined && Number.isNaN(since)) return error(`invalid sinceTime "${sinceTime}"`);
  if (since !== undefined && numbers.sinceSeconds !== undefined) {
    return error('at most one of sinceTime or sinceSeconds may be specified');
  }
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') {
    return error(`invalid stream "${stream}": must be All, Stdout or Stderr`);
  }
  return {
    kind: 'options',
    options: {
      follow: isTrue(query.get('follow')),
      previous: isTrue(query.get('previous')),
      timestamps: isTrue(query.get('timestamps')),
      tailLines: numbers.tailLines,
      limitBytes: numbers.limitBytes,
      sinceMs: numbers.sinceSeconds === undefined ? since : nowMs - numbers.sinceSeconds * 1000,
      stream,
    },
  };
}

/** NaN when it is no time. A pure function of the text, unlike the clock. */
export function parseTimeMs(text: string): number {
  return globalThis.Date.parse(text);
}

export function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}
