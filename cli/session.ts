/**
 * What every verb starts from: a client with the credentials of the chosen context, the namespace,
 * and where to print. Verbs get it from their caller and keep nothing of their own.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { type Connection, loadKubeconfig } from '../client/kubeconfig.ts';
import { RestClient } from '../client/rest-client.ts';

/** The flags that every verb has. */
export interface GlobalFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

export interface Session {
  readonly client: RestClient;
  readonly connection: Connection;
  readonly clock: Clock;
  /** `-n`, else the context's, else `default`. */
  readonly namespace: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A command line that can't be carried out as it stands, and what to do. */
export class CliUsageError extends Error {
  override readonly name = 'CliUsageError';
}

/** Ends the program with this code, without a message of its own: the verb has said all. */
export class CliExit extends Error {
  override readonly name = 'CliExit';
  readonly code: number;

  constructor(code: number) {
    super(`Ended with code ${code}`);
    this.code = code;
  }
}

export async function openSession(
  flags: GlobalFlags,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Session> {
  const file = flags.kubeconfig ?? firstKubeconfig(env);
  const connection = await loadKubeconfig(file, flags.context);
  return {
    client: new RestClient({ connection, clock: systemClock, userAgent: 'skiff' }),
    connection,
    clock: systemClock,
    namespace: flags.namespace ?? connection.namespace,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    signal,
  };
}

/** The first file of $KUBECONFIG that exists, where `skiff up` writes; else ~/.kube/config. */
function firstKubeconfig(env: NodeJS.ProcessEnv): string {
  const files = (env.KUBECONFIG ?? '').split(':').filter((file) => file !== '');
  return (
    files.find((file) => existsSync(file)) ??
    files[0] ??
    path.join(env.HOME ?? '/', '.kube', 'config')
  );
}
