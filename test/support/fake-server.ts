/** A small HTTP server on loopback that answers what a test says, and records what it was asked. */

import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (request: Recorded, response: http.ServerResponse) => void;

export interface FakeServer {
  readonly url: string;
  readonly requests: readonly Recorded[];
  readonly server: http.Server;
  close(): Promise<void>;
}

/** Answers each request with the next of the answers; the last one stays. */
export async function startFakeServer(...answers: readonly Answer[]): Promise<FakeServer> {
  const requests: Recorded[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method = '', url = '', headers } = request;
    const recorded = { method, url, headers, body };
    requests.push(recorded);
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    assert.ok(answer !== undefined, 'The test gave no answers');
    answer(recorded, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}
