/**
 * Hands a client's upgrade request over to an agent: the agent's answer goes to the client as it is,
 * and from then on bytes are copied both ways until either side closes. When the agent refuses, nothing
 * has been written to the client, and the refusal is thrown.
 * Source: RFC 9110 §7.8; RFC 6455 §4.
 */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { UpgradeRequest } from '../subresource.ts';
import {
  type AgentAddress,
  type AgentCredentials,
  agentRequestOptions,
  limitConnecting,
  refusalOf,
  unreachable,
} from './node-agent.ts';

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
  const headers: OutgoingHttpHeaders = { Connection: 'Upgrade', Upgrade: 'websocket' };
  for (const [name, value] of Object.entries(message.headers)) {
    if (name.startsWith('sec-websocket-')) headers[name] = value;
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

/** However a connection ends, the other one is closed: there is nobody left to talk to. */
async function copyBothWays(client: Duplex, agent: Duplex, signal: AbortSignal): Promise<void> {
  const closeBoth = (): void => {
    client.destroy();
    agent.destroy();
  };
  const closed = [client, agent].map(
    (socket) =>
      new Promise<void>((resolve) => {
        // A reset is how clients and agents that are killed leave; nobody is left to hear of it.
        socket.on('error', closeBoth);
        socket.on('close', () => {
          closeBoth();
          resolve();
        });
        if (socket.closed) resolve();
      }),
  );
  signal.addEventListener('abort', closeBoth, { once: true });
  client.pipe(agent);
  agent.pipe(client);
  if (signal.aborted || client.destroyed || agent.destroyed) closeBoth();
  await Promise.all(closed);
  signal.removeEventListener('abort', closeBoth);
}
