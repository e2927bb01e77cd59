/** A whole API server inside the test's process, on a free port of the loopback, and a plain client. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import type { CertifiedKey } from '../../apiserver/auth/certificate.ts';
import {
  type ClusterPki,
  ensureClusterPki,
  issueClientCertificate,
} from '../../apiserver/auth/pki.ts';
import { systemRandomness } from '../../apiserver/random.ts';
import type { ApiDefinition, ApiDependencies } from '../../apiserver/registry/api-definition.ts';
import { apiDefinition } from '../../apiserver/registry/catalog.ts';
import { ApiServer } from '../../apiserver/server.ts';
import { openEmbeddedStorage } from '../../apiserver/storage/embedded/embedded-storage.ts';
import type { Storage } from '../../apiserver/storage/storage.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';

export interface RequestOptions {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  /** Default application/json when there is a body. "" sends none. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: an administrator's certificate. `none`: no credentials. */
  readonly as?: CertifiedKey | 'none';
}

export interface Response {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; undefined when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  readonly body: any;
}

export interface WatchedEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  readonly object: any;
}

export interface TestApiServer {
  readonly port: number;
  readonly pki: ClusterPki;
  readonly storage: Storage;
  send(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** Reads a watch's events one by one; `close` ends it from the client's side. */
  watch(path: string, options?: RequestOptions): Promise<TestWatch>;
  clientCertificate(user: string, groups: readonly string[]): CertifiedKey;
  /** Stops the server and removes everything. */
  stop(): Promise<void>;
}

export interface TestWatch {
  readonly headers: IncomingHttpHeaders;
  readonly code: number;
  /** The next event; rejects after some seconds, and when the stream has ended. */
  next(): Promise<WatchedEvent>;
  /** Resolves to true when the server ends the stream cleanly. */
  readonly ended: Promise<boolean>;
  close(): void;
}

export interface TestApiServerOptions {
  readonly storage?: Storage;
  readonly clock?: Clock;
  readonly define?: (dependencies: ApiDependencies) => ApiDefinition;
}

const EVENT_DEADLINE_MS = 5000;

export async function startTestApiServer(
  options: TestApiServerOptions = {},
): Promise<TestApiServer> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'skt-apiserver-'));
  const clock = options.clock ?? systemClock;
  const pki = await ensureClusterPki(path.join(dir, 'pki'), { sans: [], nowMs: Date.now() });
  const storage =
    options.storage ??
    openEmbeddedStorage({ dir: path.join(dir, 'data'), clock, logger: silentLogger });
  const server = new ApiServer({
    storage,
    pki,
    clock,
    logger: silentLogger,
    random: systemRandomness,
    define: options.define ?? apiDefinition,
    address: '127.0.0.1',
    port: 0,
    serviceCidr: '10.96.0.0/16',
  });
  const dispose = async (): Promise<void> => {
    if (options.storage === undefined) await storage.close();
    await rm(dir, { recursive: true });
  };
  const { port } = await server.listen().catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  const end = new AbortController();
  const running = server.run(end.signal);
  const clientCertificate = (user: string, groups: readonly string[]): CertifiedKey =>
    issueClientCertificate(pki.ca, { user, groups }, Date.now());
  const admin = clientCertificate('admin', ['system:masters']);
  const client = new PlainClient(port, pki.ca.certificatePem, admin);
  return {
    port,
    pki,
    storage,
    clientCertificate,
    send: (method, target, sendOptions) => client.send(method, target, sendOptions),
    watch: (target, watchOptions) => client.watch(target, watchOptions),
    async stop() {
      end.abort();
      await running;
      client.close();
      await dispose();
    },
  };
}

class PlainClient {
  readonly #port: number;
  readonly #ca: string;
  readonly #admin: CertifiedKey;
  readonly #agents = new Map<CertifiedKey | 'none', Agent>();

  constructor(port: number, ca: string, admin: CertifiedKey) {
    this.#port = port;
    this.#ca = ca;
    this.#admin = admin;
  }

  async send(method: string, target: string, options: RequestOptions = {}): Promise<Response> {
    const response = await this.#open(method, target, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    return { code: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) };
  }

  async watch(target: string, options: RequestOptions = {}): Promise<TestWatch> {
    const response = await this.#open('GET', target, options);
    const lines = linesOf(response)[Symbol.asyncIterator]();
    const ended = new Promise<boolean>((resolve) => {
      response.on('close', () => resolve(response.complete));
    });
    return {
      code: response.statusCode ?? 0,
      headers: response.headers,
      ended,
      async next() {
        const { promise, reject } = Promise.withResolvers<never>();
        const timer = setTimeout(() => reject(new Error('No event came')), EVENT_DEADLINE_MS);
        const line = await Promise.race([lines.next(), promise]);
        clearTimeout(timer);
        assert.ok(line.done !== true, 'The watch has ended');
        return JSON.parse(line.value);
      },
      close: () => response.destroy(),
    };
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #open(method: string, target: string, options: RequestOptions): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const body =
      options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const type = options.contentType ?? 'application/json';
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: this.#port,
        path: target,
        method,
        agent: this.#agent(options.as ?? this.#admin),
        headers: {
          ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
          ...(body === undefined || type === '' ? {} : { 'Content-Type': type }),
          ...options.headers,
        },
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.end(body);
    return promise;
  }

  #agent(identity: CertifiedKey | 'none'): Agent {
    const known = this.#agents.get(identity);
    if (known !== undefined) return known;
    const credentials =
      identity === 'none' ? {} : { cert: identity.certificatePem, key: identity.keyPem };
    const agent = new Agent({ keepAlive: true, ca: this.#ca, ...credentials });
    this.#agents.set(identity, agent);
    return agent;
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
