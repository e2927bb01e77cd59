/**
 * Port-forward over SPDY/3.1: for each connection the client opens an error stream and a data stream with
 * the same `requestID`, and the port in a header; many of them over one SPDY connection.
 *
 * Source: kubernetes kubelet cri/streaming/portforward/httpstream.go; client-go tools/portforward.
 */

import type { Duplex } from 'node:stream';
import { SpdyConnection } from '../../../proto/spdy/connection.ts';
import { RST_CANCEL } from '../../../proto/spdy/frames.ts';
import type { SpdyStream } from '../../../proto/spdy/stream.ts';
import { type ForwardParts, type ForwardTarget, forwardConnection } from './forward-connection.ts';
import { IDLE_TIMEOUT_MS, STREAM_CREATION_TIMEOUT_MS } from './timeouts.ts';

export const SPDY_FORWARD_PROTOCOL = 'portforward.k8s.io';

interface HalfPair {
  readonly type: string;
  readonly stream: SpdyStream;
  readonly cancelTimeout: () => void;
}

/** Resolves when the connection is gone and so is every one that it carried. */
export async function forwardOverSpdy(
  transport: Duplex,
  target: ForwardTarget,
  parts: ForwardParts,
): Promise<void> {
  const { clock } = parts;
  const waiting = new Map<string, HalfPair>();
  const running = new Set<Promise<void>>();
  let failure: { readonly cause: unknown } | undefined;

  function take(stream: SpdyStream): boolean {
    const type = stream.headers.get('streamtype');
    const port = parsePort(stream.headers.get('port'));
    if ((type !== 'data' && type !== 'error') || port === undefined) return false;
    // Clients that send no id open the data stream right after the error stream.
    const implied = String(type === 'error' ? stream.id : stream.id - 2);
    const id = stream.headers.get('requestid') ?? implied;
    const other = waiting.get(id);
    if (other === undefined) {
      const cancelTimeout = clock.schedule(STREAM_CREATION_TIMEOUT_MS, () => {
        waiting.delete(id);
        stream.reset(RST_CANCEL);
      });
      const half = { type, stream, cancelTimeout };
      waiting.set(id, half);
      void stream.closed.then(() => forget(id, half));
      return true;
    }
    if (other.type === type) return false;
    forget(id, other);
    const [data, error] = type === 'data' ? [stream, other.stream] : [other.stream, stream];
    const forwarding = forwardConnection(data, error, port, target, parts)
      .catch((cause: unknown) => {
        failure ??= { cause };
        transport.destroy();
      })
      .finally(() => running.delete(forwarding));
    running.add(forwarding);
    return true;
  }

  function forget(id: string, half: HalfPair): void {
    if (waiting.get(id) !== half) return;
    half.cancelTimeout();
    waiting.delete(id);
  }

  const connection = new SpdyConnection({
    transport,
    clock,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    onStream: take,
  });
  await connection.run();
  await Promise.all(running);
  if (failure !== undefined) throw new Error('Broke off a port-forward', failure);
}

/** Undefined when it is none. */
export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : undefined;
}
