/**
 * Every request's way through the server: who sent it, what it asks for, the answer. Whatever goes
 * wrong on the way is answered as a Status; nothing that a request does gets past here.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/logger.ts';
import { ApiError, internalError } from '../../proto/api/status-error.ts';
import type { Authenticator } from '../auth/authenticate.ts';
import type { Authorizer } from '../auth/authorize.ts';
import { impersonated } from '../auth/impersonate.ts';
import type { User } from '../http/api-request.ts';
import type { HttpHandler } from '../http/http-server.ts';
import { LiveRequest } from '../http/live-request.ts';
import { respond, respondError } from '../http/respond.ts';
import type { Router } from './router.ts';

export interface DispatcherOptions {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly router: Router;
  readonly logger: Logger;
  readonly randomUid: () => string;
}

export class Dispatcher implements HttpHandler {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  request(message: IncomingMessage, response: ServerResponse, shutdown: AbortSignal): void {
    const request = new LiveRequest(message, response, shutdown, this.#options.randomUid());
    void this.#answer(request, message, response);
  }

  upgrade(message: IncomingMessage, socket: Duplex, head: Buffer, shutdown: AbortSignal): void {
    const request = new LiveRequest(message, socket, shutdown, this.#options.randomUid());
    void this.#connect(request, message, socket, head);
  }

  async #answer(
    request: LiveRequest,
    message: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { authenticator, router } = this.#options;
    try {
      const user = authenticator.authenticate(message);
      const sender = user instanceof Promise ? await user : user;
      request.user = this.#actingAs(sender, message);
      await respond(request, response, await router.route(request));
    } catch (error) {
      await this.#fail(request, response, error);
    }
  }

  #actingAs(sender: User, message: IncomingMessage): User {
    const { headers } = message;
    if (!hasImpersonation(headers)) return sender;
    return impersonated(sender, message.headersDistinct, this.#options.authorizer);
  }

  async #fail(request: LiveRequest, response: ServerResponse, error: unknown): Promise<void> {
    const { logger } = this.#options;
    const { method, path, auditId } = request;
    if (!(error instanceof ApiError) || error.code >= 500) {
      logger.error('Request failed', { method, path, auditId, error });
    }
    if (response.headersSent) {
      // The client must see that the answer is not whole.
      response.destroy();
      return;
    }
    try {
      await respondError(request, response, error);
    } catch (cause) {
      logger.error('Could not answer', { method, path, auditId, error: cause });
      response.destroy();
    }
  }

  async #connect(
    request: LiveRequest,
    message: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const { authenticator, router, logger } = this.#options;
    let isOver = false;
    try {
      request.user = this.#actingAs(await authenticator.authenticate(message), message);
      const { action, context } = router.routeUpgrade(request);
      isOver = true;
      await action.connect?.(context, { message, socket, head });
    } catch (error) {
      const { path, auditId } = request;
      if (!(error instanceof ApiError)) logger.error('Upgrade failed', { path, auditId, error });
      if (!isOver || error instanceof ApiError) refuseUpgrade(socket, error);
      else socket.destroy();
    }
  }
}

function hasImpersonation(headers: IncomingMessage['headers']): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

/** Answers an upgrade with a Status, as a plain response: clients decode and show it. */
function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (!socket.writable) return;
  const { status } = error instanceof ApiError ? error : internalError(error);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code ?? 500} ${status.reason ?? 'Error'}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
