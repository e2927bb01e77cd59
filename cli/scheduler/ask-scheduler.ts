/**
 * Asks the scheduler a question. It answers at the API server's host, on a port of its own, to the same
 * certificates; `--scheduler URL` says another place.
 */

import { RestClient } from '../../client/rest-client.ts';
import { ApiError } from '../../proto/api/status-error.ts';
import { SCHEDULER_PORT } from '../../proto/scheduler/explanation.ts';
import { CliUsageError, type Session } from '../session.ts';

export interface SchedulerFlags {
  readonly scheduler?: string;
}

/** Throws an `ApiError` as the scheduler gives it; any other failure says how to be answered. */
export async function askScheduler(
  session: Session,
  path: string,
  flags: SchedulerFlags,
): Promise<unknown> {
  const server = flags.scheduler ?? schedulerUrl(session.connection.server);
  const connection = { ...session.connection, server };
  const client = new RestClient({ connection, clock: session.clock, userAgent: 'skiff' });
  try {
    return await client.request('GET', path, undefined, {}, session.signal);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const hint = 'a Skiff scheduler answers with --secure-port; --scheduler URL says where';
    throw new CliUsageError(`the scheduler does not answer at ${server}: ${why} (${hint})`, {
      cause: error,
    });
  } finally {
    client.close();
  }
}

function schedulerUrl(server: string): string {
  const url = new URL(server);
  url.port = String(SCHEDULER_PORT);
  url.pathname = '';
  return url.href.replace(/\/$/, '');
}
