/**
 * Where the scheduler answers questions, over HTTPS: `/healthz` to everybody; `/explain/v1/…` and
 * `/policies/v1` to whoever has a client certificate of the cluster and is of `system:masters`, since
 * they tell of all pods. Failures are `Status` objects, as the API server's.
 */

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../../base/logger.ts';
import { pods } from '../../proto/api/gen/resources.ts';
import { ApiError, internalError, newApiError, notFound } from '../../proto/api/status-error.ts';
import type { PodExplanation, PolicyReport } from '../../proto/scheduler/explanation.ts';
import type { ExplainRequest } from '../explain/explainer.ts';

export interface SchedulerAnswers {
  /** Undefined: there is no such pod, or another scheduler has it. */
  explain(
    namespace: string,
    name: string,
    request: ExplainRequest,
  ): Promise<PodExplanation | undefined>;
  policies(): readonly PolicyReport[];
}

export interface SchedulerServerOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Client certificates are checked against this. */
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly answers: SchedulerAnswers;
  readonly logger: Logger;
  /** Told where it listens. */
  readonly onListening?: (address: AddressInfo) => void;
}

/** Upstream's group of those who may do everything. */
const MASTERS = 'system:masters';
/** Nodes in an answer when the question says nothing. */
const LIMIT_DEFAULT = 100;
/** Milliseconds: a question is a line. */
const REQUEST_TIMEOUT_MS = 10_000;
/** People and scripts of one machine ask; more at once are refused. */
const CONNECTIONS_MAX = 64;

export class SchedulerServer {
  readonly #options: SchedulerServerOptions;
  readonly #server: Server;

  constructor(options: SchedulerServerOptions) {
    this.#options = options;
    this.#server = createServer({
      key: options.keyPem,
      cert: options.certificatePem,
      ca: options.caPem,
      requestCert: true,
      // Who has none may still ask whether all is well.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      requestTimeout: REQUEST_TIMEOUT_MS,
    });
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('request', (message: IncomingMessage, response: ServerResponse) => {
      void this.#answer(message, response);
    });
  }

  /** Returns when the signal is aborted and nothing is open. Without its port the scheduler goes on. */
  async run(signal: AbortSignal): Promise<void> {
    const { address, port, logger, onListening } = this.#options;
    const server = this.#server;
    if (signal.aborted) return;
    try {
      server.listen(port, address);
      await once(server, 'listening');
    } catch (error) {
      logger.error('Could not listen for questions', { address, port, error });
      return;
    }
    onListening?.(server.address() as AddressInfo);
    if (!signal.aborted) await once(signal, 'abort');
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let code = 200;
    let body: unknown;
    try {
      body = await this.#bodyFor(message);
    } catch (error) {
      const failure = error instanceof ApiError ? error : internalError(error);
      if (failure !== error) this.#options.logger.error('Could not answer', { error });
      code = failure.code;
      body = failure.status;
    }
    const isText = typeof body === 'string';
    response.writeHead(code, { 'content-type': isText ? 'text/plain' : 'application/json' });
    response.end(isText ? body : `${JSON.stringify(body)}\n`);
  }

  async #bodyFor(message: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(message.url ?? '/', 'https://scheduler');
    if (message.method !== 'GET') {
      throw newApiError(405, 'MethodNotAllowed', 'the scheduler only answers GET');
    }
    if (HEALTH_PATHS.has(pathname)) return 'ok';
    authorize(message.socket as TLSSocket);
    const { answers } = this.#options;
    if (pathname === '/policies/v1') return { items: answers.policies() };
    const [, namespace, name] =
      /^\/explain\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/.exec(pathname) ?? [];
    if (namespace === undefined || name === undefined) {
      throw newApiError(404, 'NotFound', 'the server could not find the requested resource');
    }
    const answer = await answers.explain(namespace, name, requestOf(searchParams));
    if (answer === undefined) throw notFound(pods, name);
    return answer;
  }
}

const HEALTH_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);

function authorize(socket: TLSSocket): void {
  const { subject } = socket.getPeerCertificate();
  if (!socket.authorized) {
    throw newApiError(401, 'Unauthorized', 'a client certificate of the cluster is needed');
  }
  // With several organizations this is an array, whatever its type says.
  const groups: unknown = subject?.O;
  if (Array.isArray(groups) ? groups.includes(MASTERS) : groups === MASTERS) return;
  throw newApiError(403, 'Forbidden', `only ${MASTERS} may ask the scheduler about pods`);
}

function requestOf(query: URLSearchParams): ExplainRequest {
  const text = query.get('limit') ?? String(LIMIT_DEFAULT);
  const node = query.get('node');
  if (!/^\d{1,6}$/.test(text)) {
    throw newApiError(400, 'BadRequest', `limit must be a number, not "${text}"`);
  }
  return { limit: Number(text), ...(node === null ? {} : { node }) };
}
