/** An {@link ApiRequest} on a connection that is open. */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ApiRequest, User } from './api-request.ts';
import { readBody } from './read-body.ts';

/** Anything that says once that it is over: a response, a socket. */
interface Closing {
  once(event: 'close', listener: () => void): unknown;
}

export class LiveRequest implements ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Set once, by the dispatcher, before anybody else sees the request. */
  user: User = { name: '', groups: [] };
  readonly warnings: string[] = [];
  /** Goes back to the client as `Audit-Id`, for finding the request in logs. */
  readonly auditId: string;
  readonly #message: IncomingMessage;
  readonly #closing: Closing;
  readonly #shutdown: AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(message: IncomingMessage, closing: Closing, shutdown: AbortSignal, auditId: string) {
    const url = message.url ?? '/';
    const question = url.indexOf('?');
    this.method = message.method ?? 'GET';
    this.path = question < 0 ? url : url.slice(0, question);
    this.query = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
    this.headers = message.headers;
    this.auditId = auditId;
    this.#message = message;
    this.#closing = closing;
    this.#shutdown = shutdown;
  }

  /** Made when it is first asked for: most requests are over before anything could be aborted. */
  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      const abort = (): void => controller.abort();
      this.#shutdown.addEventListener('abort', abort);
      // The response's 'close', never the request's: that one comes as soon as the body is read.
      this.#closing.once('close', () => {
        this.#shutdown.removeEventListener('abort', abort);
        abort();
      });
      if (this.#shutdown.aborted || this.#message.socket.destroyed) abort();
    }
    return this.#signal;
  }

  readBody(): Promise<Uint8Array> {
    return readBody(this.#message);
  }

  warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }
}
