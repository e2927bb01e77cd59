/**
 * What a client asks a connection to be upgraded to, and the answers in words and in HTTP. Pure, but for
 * writing the answer.
 *
 * Source: RFC 9110 §7.8; kubernetes apimachinery pkg/util/httpstream; KEP-4006.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ChannelProtocol,
  COMMAND_PROTOCOLS,
  chooseProtocol,
  FORWARD_PROTOCOLS,
} from './channels.ts';
import { SPDY_COMMAND_PROTOCOLS } from './spdy-client.ts';
import { SPDY_FORWARD_PROTOCOL } from './spdy-forward.ts';

type StreamKind = 'exec' | 'attach' | 'portforward';

/** A SPDY connection whose bytes are the messages of a WebSocket. */
const TUNNEL_PROTOCOL = `SPDY/3.1+${SPDY_FORWARD_PROTOCOL}`;

export type Upgrade =
  | { readonly kind: 'spdy'; readonly protocol: string }
  | { readonly kind: 'tunnel'; readonly protocol: string }
  | { readonly kind: 'websocket'; readonly protocol: ChannelProtocol }
  | { readonly kind: 'refused'; readonly status: string; readonly text: string };

/** `stream`: what the URL is for, as its path says. */
export function chooseUpgrade(request: IncomingMessage, stream: string | undefined): Upgrade {
  if (stream !== 'exec' && stream !== 'attach' && stream !== 'portforward') {
    return { kind: 'refused', status: '404 Not Found', text: 'there is no such URL' };
  }
  switch (request.headers.upgrade?.toLowerCase()) {
    case 'websocket':
      return chooseWebSocket(request, stream);
    case 'spdy/3.1':
      return chooseSpdy(request, stream);
    default: {
      const text = `"${request.headers.upgrade}" is not spoken here: use SPDY/3.1 or WebSocket`;
      return { kind: 'refused', status: '400 Bad Request', text };
    }
  }
}

function chooseSpdy(request: IncomingMessage, stream: StreamKind): Upgrade {
  const known: readonly string[] =
    stream === 'portforward' ? [SPDY_FORWARD_PROTOCOL] : SPDY_COMMAND_PROTOCOLS;
  const offered = namesIn(request, 'x-stream-protocol-version');
  const protocol = known.find((name) => offered.has(name));
  if (protocol !== undefined) return { kind: 'spdy', protocol };
  return forbidden('X-Stream-Protocol-Version', known);
}

function chooseWebSocket(request: IncomingMessage, stream: StreamKind): Upgrade {
  const known = stream === 'portforward' ? FORWARD_PROTOCOLS : COMMAND_PROTOCOLS;
  const offered = namesIn(request, 'sec-websocket-protocol');
  if (stream === 'portforward' && offered.has(TUNNEL_PROTOCOL)) {
    return { kind: 'tunnel', protocol: TUNNEL_PROTOCOL };
  }
  const protocol = chooseProtocol(offered, known);
  if (protocol !== undefined) return { kind: 'websocket', protocol };
  const names = known.map(({ name }) => name);
  return forbidden(
    'Sec-WebSocket-Protocol',
    stream === 'portforward' ? [TUNNEL_PROTOCOL, ...names] : names,
  );
}

function namesIn(request: IncomingMessage, header: string): ReadonlySet<string> {
  const values = request.headersDistinct[header] ?? [];
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  return new Set(names.filter((name) => name !== ''));
}

function forbidden(header: string, known: readonly string[]): Upgrade {
  const text = `offer one of these in ${header}: ${known.join(', ')}`;
  return { kind: 'refused', status: '403 Forbidden', text };
}

export function acceptSpdy(socket: Duplex, protocol: string): void {
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
}

export function refuseUpgrade(socket: Duplex, status: string, text: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(text) + 1}\r\n\r\n${text}\n`,
    () => socket.destroy(),
  );
}
