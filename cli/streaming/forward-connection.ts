/**
 * One local connection of a port-forward: a WebSocket of its own to the pod, with the subprotocol
 * `v4.channel.k8s.io`: channel 0 is the data, channel 1 says what went wrong, and both begin with the
 * port in two bytes. The protocol knows no half close: the end of our input is not told to the pod.
 *
 * Source: kubernetes kubelet cri/streaming/portforward/websocket.go.
 */

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Session } from '../session.ts';

const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERROR = 1;
const PORT_BYTES = 2;
/** Stops reading from the local connection while this much waits to be sent. */
const SEND_BUFFER_BYTES = 1024 * 1024;

/** Resolves when both are closed; says on standard error what failed. */
export async function forwardConnection(
  session: Session,
  path: string,
  local: Socket,
): Promise<void> {
  local.on('error', () => undefined); // Followed by `close`.
  local.pause();
  try {
    const socket = await session.client.upgrade(path, { protocols: [PROTOCOL] }, session.signal);
    await join(session, socket, local);
  } catch (error) {
    if (!session.signal.aborted) {
      session.err(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  } finally {
    local.destroy();
  }
}

function join(session: Session, socket: WebSocket, local: Socket): Promise<void> {
  return new Promise((resolve) => {
    // How much of the port at the start of each channel is still to come.
    const skip = [PORT_BYTES, PORT_BYTES];
    socket.on('message', (message: Buffer) => {
      const channel = message[0] ?? 0;
      const skipped = Math.min(skip[channel] ?? 0, message.length - 1);
      skip[channel] = (skip[channel] ?? 0) - skipped;
      const data = message.subarray(1 + skipped);
      if (data.length === 0) return;
      if (channel === ERROR) session.err(`${data.toString('utf8')}\n`);
      if (channel === DATA && !local.write(data)) socket.pause();
    });
    local.on('drain', () => socket.resume());
    local.on('data', (chunk: Buffer) => {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(Buffer.concat([Buffer.of(DATA), chunk]), () => {
        if (socket.bufferedAmount < SEND_BUFFER_BYTES) local.resume();
      });
      if (socket.bufferedAmount >= SEND_BUFFER_BYTES) local.pause();
    });
    local.on('close', () => socket.terminate());
    socket.on('error', () => undefined); // Followed by `close`.
    socket.on('close', () => {
      // What came last is still on its way to the local reader.
      if (local.destroyed) resolve();
      else local.end(resolve);
    });
    socket.resume();
    local.resume();
  });
}
