/**
 * The agent's HTTPS server, for the API server: logs, exec, attach, port-forward, the pods of the node,
 * health.
 * Only clients with a certificate of the cluster's CA in `system:masters` are let in.
 *
 * Source: kubernetes pkg/kubelet/server/server.go, v1.36.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { type ContainerAddress, findContainer, findSandbox } from './find-container.ts';
import { isTrue, parseLogOptions } from './log-options.ts';
import { readLog } from './read-log.ts';
import { proxyUpgrade } from './stream-proxy.ts';

const ADMIN_GROUP = 'system:masters';

export interface AgentServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly cri: CriClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pods: () => readonly Pod[];
}

/** An answer that isn't the one asked for. */
class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

type Verb = 'containerLogs' | 'exec' | 'attach' | 'portForward';

interface Route {
  readonly verb: Verb;
  /** The container is empty where the pod as a whole is meant. */
  readonly address: ContainerAddress;
  readonly uid: string | undefined;
  readonly query: URLSearchParams;
}

export class AgentServer {
  readonly #options: AgentServerOptions;
  readonly #server: https.Server;
  readonly #closing = new AbortController();

  constructor(options: AgentServerOptions) {
    this.#options = options;
    const { ca, cert, key } = options;
    this.#server = https.createServer({ ca, cert, key, requestCert: true });
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      void this.#upgrade(request, socket, head);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Resolves with the port when it listens. */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, this.#options.host, resolve);
    await promise;
    this.#server.off('error', reject);
    const address = this.#server.address() as AddressInfo;
    return address.port;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      authorize(request);
      const url = new URL(request.url ?? '/', 'https://agent');
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const isStream = /^\/(exec|attach|portForward)\//.test(url.pathname);
        throw isStream
          ? new HttpError(400, 'Upgrade request required')
          : new HttpError(405, 'method not allowed');
      }
      if (url.pathname === '/healthz') return void response.end('ok');
      if (url.pathname === '/pods' || url.pathname === '/pods/') return this.#sendPods(response);
      const route = parseRoute(url);
      if (route.verb !== 'containerLogs') {
        throw new HttpError(400, `${route.verb} needs an upgraded connection`);
      }
      await this.#sendLogs(route, response);
    } catch (error) {
      this.#sendError(response, error);
    }
  }

  #sendPods(response: ServerResponse): void {
    const items = this.#options.pods();
    const body = JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
    response.setHeader('Content-Type', 'application/json').end(body);
  }

  async #sendLogs(route: Route, response: ServerResponse): Promise<void> {
    const { cri, clock } = this.#options;
    const parsed = parseLogOptions(route.query, clock.wallMs());
    if (parsed.kind === 'error') throw new HttpError(400, parsed.message);
    const { options } = parsed;
    const status = await this.#find(route, options.previous);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    const hasEnded = async (): Promise<boolean> => {
      const answer = await cri.containerStatus({ container_id: status.id }).catch(() => undefined);
      return answer?.status?.state !== 'CONTAINER_RUNNING';
    };
    response.setHeader('Content-Type', 'text/plain');
    response.flushHeaders();
    const source = { file: status.log_path, clock, hasEnded };
    try {
      for await (const bytes of readLog(source, options, signal)) {
        if (!response.write(bytes)) await drained(response, signal);
      }
    } catch (error) {
      // A log that was never written is empty.
      if (!isMissingFile(error)) throw error;
    }
    response.end();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      authorize(request);
      const route = parseRoute(new URL(request.url ?? '/', 'https://agent'));
      const isForward = route.verb === 'portForward';
      const url = await (isForward ? this.#forwardUrl(route) : this.#streamUrl(route));
      proxyUpgrade(request, socket, head, url, this.#closing.signal);
    } catch (error) {
      const { code, message } = describe(error);
      const body = `${message}\n`;
      socket.end(
        `HTTP/1.1 ${code} Error\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    }
  }

  async #streamUrl(route: Route): Promise<URL> {
    const { cri } = this.#options;
    const status = await this.#find(route, false);
    if (status.state !== 'CONTAINER_RUNNING') {
      throw new HttpError(400, `container ${route.address.container} is not running`);
    }
    const { query } = route;
    const asked = (...names: string[]): boolean => names.some((name) => isTrue(query.get(name)));
    const tty = asked('tty');
    const streams = {
      container_id: status.id,
      tty,
      stdin: asked('input', 'stdin'),
      stdout: asked('output', 'stdout'),
      stderr: asked('error', 'stderr') && !tty,
    };
    switch (route.verb) {
      case 'exec':
        return new URL((await cri.exec({ ...streams, cmd: query.getAll('command') })).url);
      case 'attach':
        return new URL((await cri.attach(streams)).url);
      case 'containerLogs':
      case 'portForward':
        throw new HttpError(400, `${route.verb} is not this kind of upgraded connection`);
    }
  }

  async #forwardUrl(route: Route): Promise<URL> {
    const { cri } = this.#options;
    const { address, query } = route;
    const port = query.getAll('port').flatMap((list) => list.split(','));
    const uid = route.uid ?? this.#pod(address)?.metadata.uid;
    const pod_sandbox_id = await findSandbox(cri, address, uid);
    if (pod_sandbox_id === undefined) {
      throw new HttpError(404, `pod "${address.pod}" not found, or it does not run`);
    }
    return new URL((await cri.portForward({ pod_sandbox_id, port: port.map(Number) })).url);
  }

  #pod({ namespace, pod }: ContainerAddress): Pod | undefined {
    return this.#options
      .pods()
      .find((each) => each.metadata.name === pod && each.metadata.namespace === namespace);
  }

  async #find(route: Route, previous: boolean) {
    const { address } = route;
    const { pod } = address;
    // A pod of the same name that is gone must not answer for the one that is here.
    const own = this.#pod(address);
    const uid = route.uid ?? own?.metadata.uid;
    const status = await findContainer(this.#options.cri, address, uid, previous);
    if (status !== undefined) return status;
    if (own === undefined) throw new HttpError(404, `pod "${pod}" not found`);
    const what = previous ? 'previous terminated container' : 'container';
    const message = previous
      ? `${what} "${address.container}" in pod "${pod}" not found`
      : `${what} "${address.container}" in pod "${pod}" is waiting to start: ${waitingReason(own, address.container)}`;
    throw new HttpError(400, message);
  }

  #sendError(response: ServerResponse, error: unknown): void {
    const { code, message } = describe(error);
    if (code === 500) this.#options.logger.warn('A request failed', { error });
    if (response.headersSent) return void response.destroy();
    response.writeHead(code, { 'Content-Type': 'text/plain' }).end(`${message}\n`);
  }
}

function parseRoute(url: URL): Route {
  const [verb, namespace, pod, ...rest] = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const query = url.searchParams;
  if (verb === 'portForward' && namespace && pod && rest.length <= 1) {
    return { verb, address: { namespace, pod, container: '' }, uid: rest[0], query };
  }
  const [uid, container] = rest.length === 2 ? rest : [undefined, rest[0]];
  const isVerb = verb === 'containerLogs' || verb === 'exec' || verb === 'attach';
  if (!isVerb || !namespace || !pod || !container) throw new HttpError(404, 'not found');
  return { verb, address: { namespace, pod, container }, uid, query };
}

function authorize(request: IncomingMessage): void {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    throw new HttpError(401, 'Unauthorized');
  }
  // One O or several, by how many groups the certificate names.
  const groups: unknown = socket.getPeerCertificate().subject?.O;
  const list: readonly unknown[] = Array.isArray(groups) ? groups : [groups];
  if (!list.includes(ADMIN_GROUP)) throw new HttpError(403, 'Forbidden');
}

function describe(error: unknown): { readonly code: number; readonly message: string } {
  if (error instanceof HttpError) return { code: error.code, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CriError && error.code === 'NOT_FOUND') return { code: 404, message };
  if (error instanceof CriError && error.code === 'INVALID_ARGUMENT') return { code: 400, message };
  return { code: 500, message };
}

function waitingReason(pod: Pod, name: string): string {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses].find((s) => s.name === name);
  return status?.state?.waiting?.reason ?? 'ContainerCreating';
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once('drain', resolve);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await Promise.race([promise, finished(response).catch(() => undefined)]);
  response.off('drain', resolve);
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
