/**
 * Hands an upgraded connection through to the runtime's streaming server, byte for byte: which
 * protocol it is upgraded to is between the two ends.
 */

import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';

/** The streaming server is on this machine: a connection is there at once or never. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Headers of one hop, and those that name the server. */
const DROPPED = new Set(['host', 'authorization', 'content-length']);

/**
 * Sends the client's request head to `url` and joins the two connections until either ends.
 * A failure to connect is answered with 502.
 */
export function proxyUpgrade(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  url: URL,
  signal: AbortSignal,
): void {
  const server = net.connect({ host: url.hostname, port: Number(url.port || 80) });
  server.setNoDelay(true);
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const end = (): void => {
    server.destroy();
    client.destroy();
  };
  const expire = (): void => fail('the runtime did not answer in time');
  const fail = (why: string): void => {
    if (client.writable) client.end(badGateway(why));
    server.destroy();
  };
  timeout.addEventListener('abort', expire, { once: true });
  signal.addEventListener('abort', end, { once: true });
  server.once('connect', () => {
    timeout.removeEventListener('abort', expire);
    server.write(requestHead(request, url));
    if (head.length > 0) server.write(head);
    server.pipe(client);
    client.pipe(server);
  });
  server.on('error', (error) => {
    if (server.connecting || !server.readyState.startsWith('open')) fail(error.message);
    else client.destroy();
  });
  client.on('error', () => server.destroy());
  server.once('close', () => {
    signal.removeEventListener('abort', end);
    timeout.removeEventListener('abort', expire);
    client.end();
  });
  client.once('close', () => server.destroy());
}

function requestHead(request: IncomingMessage, url: URL): string {
  const lines = [`${request.method} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (!DROPPED.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function badGateway(why: string): string {
  const body = `could not reach the container: ${why}\n`;
  const head = ['HTTP/1.1 502 Bad Gateway', 'Content-Type: text/plain', 'Connection: close'];
  return `${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
