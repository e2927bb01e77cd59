/**
 * The channels of Kubernetes' WebSocket protocols: messages whose first byte is the channel, in binary,
 * or as a digit with the rest in base64. Pure.
 *
 * Source: kubernetes apimachinery pkg/util/{remotecommand,httpstream/wsstream}; KEP-4006.
 */

import type { OutcomeForm } from './outcome.ts';

export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;
export const ERROR = 3;
export const RESIZE = 4;

export interface ChannelProtocol {
  readonly name: string;
  readonly isBase64: boolean;
  readonly outcome: OutcomeForm;
  /** A message of channel 255 tells in its second byte which channel its sender closes. */
  readonly hasClose: boolean;
}

const CLOSE = 255;
const DIGIT_ZERO = 0x30;

const binary = { isBase64: false, outcome: 'status', hasClose: false } as const;

/** For exec and attach, the best first. */
export const COMMAND_PROTOCOLS: readonly ChannelProtocol[] = [
  { ...binary, name: 'v5.channel.k8s.io', hasClose: true },
  { ...binary, name: 'v4.channel.k8s.io' },
  { ...binary, name: 'v4.base64.channel.k8s.io', isBase64: true },
  { ...binary, name: 'channel.k8s.io', outcome: 'text' },
  { ...binary, name: 'base64.channel.k8s.io', isBase64: true, outcome: 'text' },
];

export const FORWARD_PROTOCOLS: readonly ChannelProtocol[] = COMMAND_PROTOCOLS.filter(({ name }) =>
  /^v4\./.test(name),
);

/**
 * The best that the client offers; undefined when there is none. A client that offers nothing speaks
 * the oldest binary form, and is told no name.
 */
export function chooseProtocol(
  offered: ReadonlySet<string>,
  known: readonly ChannelProtocol[],
): ChannelProtocol | undefined {
  if (offered.size === 0) return { ...binary, name: '', outcome: 'text' };
  return known.find(({ name }) => offered.has(name));
}

/** A binary message, or one of text. */
export function encodeMessage(
  channel: number,
  data: Uint8Array,
  protocol: ChannelProtocol,
): Buffer | string {
  if (protocol.isBase64) return `${channel}${Buffer.from(data).toString('base64')}`;
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = channel;
  message.set(data, 1);
  return message;
}

export type ClientMessage =
  | { readonly kind: 'data'; readonly channel: number; readonly data: Buffer }
  | { readonly kind: 'close'; readonly channel: number }
  | { readonly kind: 'ignored' };

/** Any bytes are a message, or ignored. */
export function decodeMessage(
  message: Buffer,
  isBinary: boolean,
  protocol: ChannelProtocol,
): ClientMessage {
  const [first, second] = message;
  if (first === undefined) return { kind: 'ignored' };
  if (protocol.isBase64) {
    const data = Buffer.from(message.toString('latin1', 1), 'base64');
    return { kind: 'data', channel: first - DIGIT_ZERO, data };
  }
  if (!isBinary) return { kind: 'ignored' };
  if (first !== CLOSE) return { kind: 'data', channel: first, data: message.subarray(1) };
  const isClose = protocol.hasClose && second !== undefined;
  return isClose ? { kind: 'close', channel: second } : { kind: 'ignored' };
}
