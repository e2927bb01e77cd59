/**
 * Connects a pod to the node's bridge over the kernel's routing socket: a few system calls, about a
 * millisecond, where iproute2 would be two more processes on the way to every pod. All of it is
 * synchronous: for a moment this thread is in another network namespace, and nothing else may run then.
 */

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { close, read, socket, write } from '../syscalls/libc.ts';
import { SOCK_CLOEXEC } from '../syscalls/linux.ts';
import { inNetworkNamespace } from './in-network-namespace.ts';
import {
  decodeAnswer,
  encodeRequest,
  getLink,
  linkIndexOf,
  linkUp,
  type NetlinkRequest,
  newAddress,
  newDefaultRoute,
  newVeth,
  noLinkLocal,
} from './netlink-message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
/** As the kernel's own largest datagram for this. */
const DATAGRAM_BYTES_MAX = 32 * 1024;

export interface PodLinkOptions {
  /** The end in the node's namespace, and the one in the pod's. */
  readonly veth: string;
  readonly podInterface: string;
  readonly bridge: string;
  /** Where the pod's network namespace is pinned, and the node's when it is not this process'. */
  readonly podNetns: string;
  readonly nodeNetns: string | undefined;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
  /** The kernel has IPv6: no link-local addresses are to be made. */
  readonly isIpv6: boolean;
}

export type ConnectPod = (options: PodLinkOptions) => void;

/** Throws with what could not be done; what came before it stays. */
export const connectPod: ConnectPod = (options) => {
  const { veth, podInterface, isIpv6 } = options;
  const netns = openSync(options.podNetns, 'r');
  try {
    withSocket(options.nodeNetns, (fd) => {
      const bridge = indexOf(fd, options.bridge);
      exchange(fd, newVeth(veth, podInterface, netns));
      if (isIpv6) exchange(fd, noLinkLocal(veth));
      exchange(fd, linkUp(veth, bridge));
    });
  } finally {
    closeSync(netns);
  }
  withSocket(options.podNetns, (fd) => {
    exchange(fd, linkUp('lo'));
    if (isIpv6) exchange(fd, noLinkLocal(podInterface));
    exchange(fd, linkUp(podInterface));
    const index = indexOf(fd, podInterface);
    exchange(fd, newAddress(index, options.address, options.prefix));
    exchange(fd, newDefaultRoute(index, options.gateway));
  });
};

/** A routing socket stays in the namespace in which it was made. */
function withSocket(netns: string | undefined, use: (fd: number) => void): void {
  const fd = inNetworkNamespace(netns, newSocket);
  try {
    use(fd);
  } finally {
    close(fd);
  }
}

function newSocket(): number {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC);
}

function indexOf(fd: number, name: string): number {
  const answer = exchange(fd, getLink(name));
  assert.ok(answer !== undefined, `the kernel told nothing about ${name}`);
  return linkIndexOf(answer);
}

/** The kernel has answered when the request has been written. Returns what it said before its "done". */
function exchange(fd: number, request: NetlinkRequest) {
  write(fd, encodeRequest(request, 1));
  let answer: ReturnType<typeof decodeAnswer> | undefined;
  for (;;) {
    const datagram = Buffer.alloc(DATAGRAM_BYTES_MAX);
    const next = decodeAnswer(datagram.subarray(0, read(fd, datagram)));
    if (next.errno === 0) return answer;
    if (next.errno !== undefined) {
      throw new Error(`Could not ${request.what}: ${getSystemErrorName(-next.errno)}`);
    }
    answer = next;
  }
}
