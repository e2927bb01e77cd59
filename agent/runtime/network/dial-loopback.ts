/**
 * A TCP connection to a port of the loopback inside a pod's network namespace, as a socket of this process.
 * Only making the socket happens in there, at once; the connection is made afterwards, without blocking.
 */

import net from 'node:net';
import { getSystemErrorMessage } from 'node:util';
import type { Clock } from '../../../base/clock.ts';
import { close, socket, tryConnect } from '../syscalls/libc.ts';
import {
  AF_INET,
  AF_INET6,
  EALREADY,
  EINPROGRESS,
  EISCONN,
  ETIMEDOUT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../syscalls/linux.ts';
import { inNetworkNamespace } from './in-network-namespace.ts';

/** A loopback answers at once, but for a listener whose queue is full. */
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT_POLL_MS = 10;

/** Nothing listens there, or the namespace is gone. */
export class DialError extends Error {
  override readonly name = 'DialError';
}

export type DialLoopback = (netns: string | undefined, port: number) => Promise<net.Socket>;

/**
 * 127.0.0.1 first, then ::1. The socket ends each direction by itself. `netns`: where the namespace is
 * pinned; undefined: this process'. Throws {@link DialError}.
 */
export function loopbackDialer(clock: Clock): DialLoopback {
  return async (netns, port) => {
    const failures: string[] = [];
    for (const [name, family, address] of [
      ['IPv4', AF_INET, ipv4Loopback(port)],
      ['IPv6', AF_INET6, ipv6Loopback(port)],
    ] as const) {
      const outcome = await dial(clock, netns, family, address);
      if (typeof outcome !== 'string') return outcome;
      failures.push(`${name}: ${outcome}`);
    }
    throw new DialError(`failed to connect to localhost:${port}: ${failures.join(', ')}`);
  };
}

/** The reason when it failed. */
async function dial(
  clock: Clock,
  netns: string | undefined,
  family: number,
  address: Buffer,
): Promise<net.Socket | string> {
  let fd: number;
  try {
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    fd = inNetworkNamespace(netns, () => socket(family, type));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const failure = await connect(clock, fd, address);
  if (failure === 0) {
    return new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  }
  close(fd);
  return getSystemErrorMessage(failure) ?? `error ${-failure}`;
}

/** Returns 0, or the negative error number. Asked again, a connection under way tells how it went. */
async function connect(clock: Clock, fd: number, address: Buffer): Promise<number> {
  const deadlineMs = clock.monotonicMs() + CONNECT_TIMEOUT_MS;
  let result = tryConnect(fd, address);
  if (result === -EINPROGRESS) result = tryConnect(fd, address);
  while (result === -EALREADY) {
    if (clock.monotonicMs() > deadlineMs) return -ETIMEDOUT;
    await clock.after(CONNECT_POLL_MS);
    result = tryConnect(fd, address);
  }
  return result === -EISCONN ? 0 : result;
}

/** struct sockaddr_in of 127.0.0.1. */
function ipv4Loopback(port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  return address;
}

/** struct sockaddr_in6 of ::1. */
function ipv6Loopback(port: number): Buffer {
  const address = Buffer.alloc(28);
  address.writeUInt16LE(AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  address[23] = 1;
  return address;
}
