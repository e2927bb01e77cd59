/**
 * HTTP as a registry client needs it: one request at a time, no redirect followed, a limit on the time
 * without a byte, certificates of one's own. Connections are kept until it is closed.
 */

import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { PullError } from '../pull-error.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM, trusted beside the machine's own. */
  readonly caFile: string | undefined;
  readonly signal: AbortSignal;
}

export interface HttpOptions {
  /** Milliseconds without a byte in either direction after which a connection is given up. */
  readonly idleMs: number;
}

/** Connections to one host: layers come in parallel. */
const SOCKETS_MAX = 8;
const USER_AGENT = 'skiff';

export class HttpClient {
  readonly #idleMs: number;
  readonly #http = new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  readonly #https = new Map<string, https.Agent>();

  constructor({ idleMs }: HttpOptions) {
    this.#idleMs = idleMs;
  }

  /** Resolves with the head of the response; its body must be read or destroyed. */
  async send(request: HttpRequest): Promise<IncomingMessage> {
    const { url, method, body, signal } = request;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { 'user-agent': USER_AGENT, ...request.headers };
    const options = { method, headers, signal, agent: this.#agentOf(request) };
    const call = url.protocol === 'https:' ? https.request : http.request;
    const sent = call(url, options, (response) => {
      response.on('error', () => undefined);
      resolve(response);
    });
    sent.setTimeout(this.#idleMs, () => {
      const text = `no progress for ${this.#idleMs / 1000} s: ${url.host}`;
      sent.destroy(new PullError(text, { kind: 'unavailable', isTransient: true }));
    });
    sent.on('error', (error) => reject(failure(error, url, signal)));
    sent.end(body);
    return promise;
  }

  close(): void {
    this.#http.destroy();
    for (const agent of this.#https.values()) agent.destroy();
  }

  #agentOf({ url, caFile = '' }: HttpRequest): http.Agent {
    if (url.protocol === 'http:') return this.#http;
    const known = this.#https.get(caFile);
    if (known !== undefined) return known;
    const trust = caFile === '' ? {} : { ca: [...rootCertificates, readCa(caFile)] };
    const agent = new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, ...trust });
    this.#https.set(caFile, agent);
    return agent;
  }
}

/** The whole body; throws when it is larger than allowed. */
export async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bytesMax) {
        throw new PullError(`The answer has more than ${bytesMax} bytes`, { kind: 'invalid' });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof PullError ? error : connectionLost(error);
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks);
}

export function connectionLost(error: unknown): PullError {
  if (error instanceof PullError) return error;
  const text = error instanceof Error ? error.message : 'the connection was lost';
  return new PullError(text, { kind: 'unavailable', cause: error, isTransient: true });
}

function failure(error: Error, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof PullError) return error;
  const code = 'code' in error ? String(error.code) : '';
  const isPermanent = /CERT|SELF_SIGNED|ISSUER|SSL|TLS|ALTNAME|EPROTO|ENOTFOUND/.test(code);
  const text = `${url.protocol}//${url.host}: ${error.message}`;
  return new PullError(text, { kind: 'unavailable', cause: error, isTransient: !isPermanent });
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PullError(`Could not read the certificate "${file}"`, {
      kind: 'unavailable',
      cause: error,
    });
  }
}
