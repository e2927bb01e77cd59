/** One request to an extender: JSON there, JSON back. */

import type { Clock } from '../../base/clock.ts';

/** The largest answer that is read: names of tens of thousands of nodes fit. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type PostJson = (
  url: string,
  body: unknown,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<unknown>;

/** Rejects, with what failed and where, unless the answer is 200 with JSON in time. */
export function newPostJson(clock: Pick<Clock, 'schedule'>): PostJson {
  return async (url, body, timeoutMs, signal) => {
    const late = new AbortController();
    const cancel = clock.schedule(timeoutMs, () => late.abort(new Error('timed out')));
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.any([signal, late.signal]),
      });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`code ${answer.status}`);
      if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
      return JSON.parse(text) as unknown;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`failed to ask the extender at URL ${url}: ${why}`, { cause: error });
    } finally {
      cancel();
    }
  };
}
