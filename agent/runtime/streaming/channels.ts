/**
 * The remote command protocol over WebSocket: binary messages whose first byte is a channel. Pure.
 *
 * Source: kubernetes apimachinery pkg/util/remotecommand and client-go tools/remotecommand.
 */

/** Those we speak, the best first. */
export const SUBPROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'] as const;
export type Subprotocol = (typeof SUBPROTOCOLS)[number];

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const ERROR = 3;
const RESIZE = 4;
/** Version 5 only: the next byte is a channel that the client closes. */
const CLOSE = 255;

/** A terminal's size as text is short; the pending ones must not pile up (CVE-2022-23471). */
const RESIZE_BYTES_MAX = 1_024;
/** The kernel's fields have 16 bits. */
const SIZE_MAX = 65_535;

export type ClientMessage =
  | { readonly kind: 'stdin'; readonly data: Buffer }
  | { readonly kind: 'stdin-end' }
  | { readonly kind: 'resize'; readonly width: number; readonly height: number }
  | { readonly kind: 'ignored' };

/** The best that the client offers; undefined when there is none. */
export function chooseSubprotocol(offered: ReadonlySet<string>): Subprotocol | undefined {
  return SUBPROTOCOLS.find((name) => offered.has(name));
}

export function parseClientMessage(message: Buffer, protocol: Subprotocol): ClientMessage {
  const [channel, second] = message;
  if (channel === STDIN) return { kind: 'stdin', data: message.subarray(1) };
  if (channel === RESIZE) return parseResize(message.subarray(1));
  const isClose = channel === CLOSE && protocol === 'v5.channel.k8s.io';
  return isClose && second === STDIN ? { kind: 'stdin-end' } : { kind: 'ignored' };
}

export function channelMessage(channel: number, data: Uint8Array): Buffer {
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = channel;
  message.set(data, 1);
  return message;
}

export type Outcome =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly message: string };

/** What is sent on the error channel at the end: a metav1.Status, or plain text in the oldest version. */
export function outcomeMessage(outcome: Outcome, protocol: Subprotocol): string {
  if (protocol === 'channel.k8s.io') return plainOutcome(outcome);
  const metadata = {};
  if (outcome.kind === 'failed') {
    const { message } = outcome;
    return JSON.stringify({
      metadata,
      status: 'Failure',
      message,
      reason: 'InternalError',
      details: { causes: [{ message }] },
      code: 500,
    });
  }
  if (outcome.exitCode === 0) return JSON.stringify({ metadata, status: 'Success' });
  return JSON.stringify({
    metadata,
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${outcome.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] },
  });
}

function plainOutcome(outcome: Outcome): string {
  if (outcome.kind === 'failed') return outcome.message;
  return outcome.exitCode === 0 ? '' : `command terminated with exit code ${outcome.exitCode}`;
}

function parseResize(data: Buffer): ClientMessage {
  if (data.length > RESIZE_BYTES_MAX) return { kind: 'ignored' };
  let size: unknown;
  try {
    size = JSON.parse(data.toString('utf8'));
  } catch {
    return { kind: 'ignored' };
  }
  const { Width: width, Height: height } = (size ?? {}) as { Width?: unknown; Height?: unknown };
  return isSize(width) && isSize(height) ? { kind: 'resize', width, height } : { kind: 'ignored' };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= SIZE_MAX;
}
