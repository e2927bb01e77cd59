/**
 * Hands a client's upgrade request over to an agent: the agent's answer goes to the client as it is,
 * and from then on bytes are copied both ways until either side closes. When the agent refuses, nothing
 * has been written to the client, and the refusal is thrown.
 * Source: RFC 9110 §7.8; RFC 6455 §4.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { badRequest } from '../../../proto/api/status-error.ts';
import type { UpgradeRequest } from '../subresource.ts';
import {
  type AgentAddress,
  type AgentCredentials,
  agentRequestOptions,
  limitConnecting,
  refusalOf,
  unreachable,
} from './node-agent.ts';

const UPGRADES: ReadonlySet<string> = new Set(['websocket', 'spdy/3.1']);
/** How a browser's WebSocket carries a token. Source: apiserver authentication/request/websocket. */
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';
const KEEP_ALIVE_MS = 30_000;
/** Time for the last bytes to a side that does not read. */
const FLUSH_TIMEOUT_MS = 30_000;

interface Upgraded {
  readonly response: IncomingMessage;
  readonly socket: Duplex;
  /** The first bytes after the agent's head. */
  readonly head: Buffer;
}

/** Returns when both connections are closed. Throws `ApiError` before anything was written. */
export async function relayUpgrade(
  agent: AgentAddress,
  path: string,
  credentials: AgentCredentials,
  client: UpgradeRequest,
  signal: AbortSignal,
): Promise<void> {
  const upgraded = await upgradeAtAgent(agent, path, credentials, client.message, signal);
  client.socket.write(headText(upgraded.response));
  if (upgraded.head.length > 0) client.socket.write(upgraded.head);
  if (client.head.length > 0) upgraded.socket.write(client.head);
  await copyBothWays(client.socket, upgraded.socket, signal);
}

async function upgradeAtAgent(
  agent: AgentAddress,
  path: string,
  credentials: AgentCredentials,
  message: IncomingMessage,
  signal: AbortSignal,
): Promise<Upgraded> {
  const options = {
    ...agentRequestOptions(agent, path, credentials),
    method: message.method ?? 'GET',
    headers: upgradeHeaders(message),
    signal,
  };
  const outcome = await new Promise<Upgraded | IncomingMessage>((resolve, reject) => {
    const request = httpsRequest(options);
    request.on('upgrade', (response, socket, head) => {
      socket.setNoDelay(true);
      resolve({ response, socket, head });
    });
    request.on('response', resolve);
    request.on('error', (error) => reject(unreachable(agent, error)));
    limitConnecting(request);
    request.end();
  });
  if ('head' in outcome) return outcome;
  throw await refusalOf(outcome);
}

/** What belongs to the handshake; credentials of the client stay here. */
function upgradeHeaders(message: IncomingMessage): OutgoingHttpHeaders {
  const upgrade = message.headers.upgrade ?? '';
  if (!UPGRADES.has(upgrade.toLowerCase())) throw badRequest('Upgrade request required');
  const headers: OutgoingHttpHeaders = { Connection: 'Upgrade', Upgrade: upgrade };
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    if (name === 'x-stream-protocol-version') headers[name] = values;
    if (name.startsWith('sec-websocket-')) headers[name] = values?.join(', ');
  }
  const protocols = message.headers['sec-websocket-protocol']?.split(',');
  if (protocols !== undefined) {
    const names = protocols.map((name) => name.trim());
    const offered = names.filter((name) => !name.startsWith(BEARER_PROTOCOL)).join(', ');
    if (offered === '') delete headers['sec-websocket-protocol'];
    else headers['sec-websocket-protocol'] = offered;
  }
  return headers;
}

function headText(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    lines.push(`${response.rawHeaders[index]}: ${response.rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** However a connection ends, the other one is closed too: there is nobody left to talk to. */
async function copyBothWays(client: Duplex, agent: Duplex, signal: AbortSignal): Promise<void> {
  const pairs: readonly (readonly [Duplex, Duplex])[] = [
    [client, agent],
    [agent, client],
  ];
  const closed = pairs.map(
    ([socket, other]) =>
      new Promise<void>((resolve) => {
        // Shows when the other side's machine has vanished.
        if (socket instanceof Socket) socket.setKeepAlive(true, KEEP_ALIVE_MS);
        // A reset is how clients and agents that are killed leave; nobody is left to hear of it.
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          closeAfterFlush(other);
          resolve();
        });
        if (socket.closed) resolve();
      }),
  );
  const closeBoth = (): void => {
    client.destroy();
    agent.destroy();
  };
  signal.addEventListener('abort', closeBoth, { once: true });
  client.pipe(agent);
  agent.pipe(client);
  if (signal.aborted || client.destroyed || agent.destroyed) closeBoth();
  await Promise.all(closed);
  signal.removeEventListener('abort', closeBoth);
}

/** What was said last is still on its way to a slow reader. */
function closeAfterFlush(socket: Duplex): void {
  const close = (): void => void socket.destroy();
  if (socket.destroyed || socket.writableFinished) {
    close();
    return;
  }
  socket.end(close);
  const timeout = AbortSignal.timeout(FLUSH_TIMEOUT_MS);
  timeout.addEventListener('abort', close, { once: true });
  socket.once('close', () => timeout.removeEventListener('abort', close));
}
