/**
 * Where the agent of a pod's node listens, and requests to it: HTTPS with the API server's client
 * certificate, checked against the cluster's CA. Every failure is an `ApiError` that names the node.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Node } from '../../../proto/api/gen/core-v1.ts';
import { nodes } from '../../../proto/api/gen/resources.ts';
import {
  type ApiError,
  badRequest,
  internalError,
  newApiError,
} from '../../../proto/api/status-error.ts';
import type { CertifiedKey } from '../../auth/certificate.ts';
import type { ObjectAccess } from '../object-access.ts';
import type { ApiObject } from '../strategy.ts';

/** Bytes of an error's text that are read from an agent. */
const ERROR_TEXT_MAX = 64 * 1024;
/** An agent that does not take the connection in this time is out of reach. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface AgentCredentials {
  readonly client: CertifiedKey;
  readonly caPem: string;
}

export interface AgentAddress {
  readonly nodeName: string;
  readonly host: string;
  readonly port: number;
}

/** The node that a pod was bound to. Throws a bad request when there is none. */
export function nodeOf(pod: ApiObject): string {
  const nodeName = String(pod.spec?.nodeName ?? '');
  if (nodeName !== '') return nodeName;
  throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
}

/** Where the node's agent listens, from the node's status. */
export async function agentAddress(objects: ObjectAccess, nodeName: string): Promise<AgentAddress> {
  // The schema has checked the types of the node's fields.
  const node = (await objects.get(nodes, { name: nodeName })) as unknown as Node;
  const { addresses = [], daemonEndpoints } = node.status ?? {};
  const host =
    addresses.find(({ type }) => type === 'InternalIP')?.address ??
    addresses.find(({ type }) => type === 'Hostname')?.address;
  const port = daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
  if (host === undefined || port === 0) {
    throw internalError(new Error(`node "${nodeName}" has no address of its agent in its status`));
  }
  return { nodeName, host, port };
}

/** Options of a request to the agent; `path` with its query. */
export function agentRequestOptions(
  agent: AgentAddress,
  path: string,
  credentials: AgentCredentials,
): RequestOptions {
  return {
    host: agent.host,
    port: agent.port,
    path,
    method: 'GET',
    agent: false,
    cert: credentials.client.certificatePem,
    key: credentials.client.keyPem,
    ca: credentials.caPem,
    timeout: CONNECT_TIMEOUT_MS,
  };
}

/** The time limit is for the connection: an answer may take as long as a container is silent. */
export function limitConnecting(request: ClientRequest): void {
  request.on('timeout', () => request.destroy(new Error('the connection timed out')));
  request.on('socket', (socket) => socket.once('secureConnect', () => socket.setTimeout(0)));
}

/** Sends a GET; resolves with the head of the answer when it is a success. Throws `ApiError`. */
export async function getFromAgent(
  agent: AgentAddress,
  path: string,
  credentials: AgentCredentials,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const options = { ...agentRequestOptions(agent, path, credentials), signal };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest(options, resolve);
    request.on('error', (error) => reject(unreachable(agent, error)));
    limitConnecting(request);
    request.end();
  });
  const { statusCode = 0 } = response;
  if (statusCode >= 200 && statusCode <= 206) return response;
  throw await refusalOf(response);
}

export function unreachable(agent: AgentAddress, error: Error): ApiError {
  const where = `${agent.host}:${agent.port}`;
  const why = `cannot reach the agent of node "${agent.nodeName}" at ${where}: ${error.message}`;
  return internalError(new Error(why, { cause: error }));
}

/** What an agent said no with, in the form that clients of the API expect. */
export async function refusalOf(response: IncomingMessage): Promise<ApiError> {
  const { statusCode = 500 } = response;
  const text = (await readText(response)).trim() || `the agent answered ${statusCode}`;
  switch (statusCode) {
    case 400:
      return badRequest(text);
    case 404:
      return newApiError(404, 'NotFound', text);
    case 403:
      return newApiError(403, 'Forbidden', text);
    case 409:
      return newApiError(409, 'Conflict', text);
    default:
      return internalError(new Error(text));
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (size > ERROR_TEXT_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, ERROR_TEXT_MAX).toString('utf8');
}
