/**
 * The HTTPS side of a node's agent, as the API server sees it: demands the API server's client
 * certificate, and answers logs and WebSockets as the test says. Stops with everything it has open.
 */

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { issueCertificate } from '../../apiserver/auth/certificate.ts';
import type { ClusterPki } from '../../apiserver/auth/pki.ts';

export interface FakeAgentBehaviour {
  log?(request: IncomingMessage, response: ServerResponse): void;
  /** A status and a text refuse the upgrade. */
  refuseUpgrade?: { readonly code: number; readonly text: string };
  command?(socket: WebSocket, request: IncomingMessage): void;
  /** An upgrade to SPDY: it is answered with the protocol, and then the bytes are the test's. */
  spdy?: { readonly protocol: string; readonly serve: (socket: Duplex) => void };
}

export class FakeAgent {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #webSockets = new WebSocketServer({ noServer: true });
  /** The paths, with their queries, that were asked for. */
  readonly paths: string[] = [];
  readonly spdyRequests: IncomingMessage[] = [];
  behaviour: FakeAgentBehaviour = {};

  constructor(pki: ClusterPki) {
    const serving = issueCertificate(
      {
        subject: { commonName: 'system:node:n' },
        usage: 'server',
        names: ['127.0.0.1'],
        days: 1,
        nowMs: Date.now(),
      },
      pki.ca,
    );
    this.#server = createServer({
      cert: serving.certificatePem,
      key: serving.keyPem,
      ca: pki.ca.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    });
    this.#server.on('secureConnection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (request, response) => {
      this.paths.push(request.url ?? '');
      assert.ok(this.behaviour.log !== undefined);
      this.behaviour.log(request, response);
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens on the loopback; resolves to the port. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.paths.push(request.url ?? '');
    const { refuseUpgrade: refusal, command, spdy } = this.behaviour;
    if (refusal !== undefined) {
      const length = Buffer.byteLength(refusal.text);
      socket.end(
        `HTTP/1.1 ${refusal.code} No\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${refusal.text}`,
      );
      return;
    }
    if (request.headers.upgrade === 'SPDY/3.1' && spdy !== undefined) {
      this.spdyRequests.push(request);
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${spdy.protocol}\r\n\r\n`,
      );
      spdy.serve(socket);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      command?.(webSocket, request);
    });
  }
}
