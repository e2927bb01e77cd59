/**
 * The handlers that probes and hooks share: an HTTP GET, and a TCP connection.
 *
 * Source: kubernetes pkg/probe/http/{http,request}.go and pkg/probe/tcp/tcp.go, v1.36.
 */

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Container, HTTPGetAction, TCPSocketAction } from '../../proto/api/gen/core-v1.ts';

/** At most this much of an answer is read. */
const BODY_BYTES_MAX = 10 * 1024;

export interface HttpOutcome {
  readonly status: number;
  readonly body: string;
}

export interface ActionTarget {
  readonly container: Container;
  readonly podIp: string;
  readonly timeoutMs: number;
  readonly userAgent: string;
}

/** Certificates aren't verified; redirects aren't followed. Rejects when there is no answer. */
export function httpGet(action: HTTPGetAction, target: ActionTarget): Promise<HttpOutcome> {
  const secure = action.scheme === 'HTTPS';
  const headers: Record<string, string> = { 'User-Agent': target.userAgent, Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const host = action.host === undefined || action.host === '' ? target.podIp : action.host;
  const path = action.path === undefined || action.path === '' ? '/' : action.path;
  const { promise, resolve, reject } = Promise.withResolvers<HttpOutcome>();
  const options = {
    host,
    port: portNumber(action.port, target.container),
    path: path.startsWith('/') ? path : `/${path}`,
    headers,
    agent: false,
    rejectUnauthorized: false,
    signal: AbortSignal.timeout(target.timeoutMs),
  };
  const request = (secure ? https : http).get(options, (answer) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (): void => {
      const body = Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString();
      resolve({ status: answer.statusCode ?? 0, body });
      request.destroy();
    };
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= BODY_BYTES_MAX) finish();
    });
    answer.on('end', finish);
    answer.on('error', reject);
  });
  request.on('error', reject);
  return promise;
}

/** Resolves when the connection is made. */
export function tcpConnect(action: TCPSocketAction, target: ActionTarget): Promise<void> {
  const host = action.host === undefined || action.host === '' ? target.podIp : action.host;
  const port = portNumber(action.port, target.container);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = net.connect({ host, port, signal: AbortSignal.timeout(target.timeoutMs) });
  socket.once('connect', () => {
    socket.destroy();
    resolve();
  });
  socket.once('error', reject);
  return promise;
}

/** A number, or the name of one of the container's ports. */
export function portNumber(port: number | string, container: Container): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number <= 0 || number > 65_535) {
    throw new Error(`invalid port: ${port}`);
  }
  return number;
}
