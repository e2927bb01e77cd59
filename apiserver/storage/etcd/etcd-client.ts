/**
 * The connection to an etcd cluster: its calls with a deadline, its failures in words, and reads tried
 * again while no member answers.
 *
 * The client library's own retries and circuit breaker are turned off: they would repeat writes whose
 * outcome is unknown, and refuse calls for seconds after etcd is back.
 */

import { Etcd3, type IOptions } from 'etcd3';
import { Backoff } from '../../../base/backoff.ts';
import type { Clock } from '../../../base/clock.ts';

/** A call that etcd has not answered after this has failed: leader elections take a second or two. */
const CALL_TIMEOUT_MS = 10_000;

/** How often a lost connection is tried again. */
const RECONNECT_INITIAL_MS = 100;
const RECONNECT_MAX_MS = 1000;

/**
 * A member that is silent for this long is given up. etcd takes no more than one ping every 5 s.
 * Source: etcd 3.4 --grpc-keepalive-min-time.
 */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5000;

/**
 * Answers of any size: lists are paged by keys and watches are fragmented, but a page of the largest
 * values exceeds the client's default of 4 MiB.
 */
const RECEIVE_BYTES_MAX = -1;

const READ_RETRY = { initialMs: 50, maxMs: 1000 };

type FaultHandling = NonNullable<IOptions['faultHandling']>;
type Policy = NonNullable<FaultHandling['global']>;

const noFaultHandling: Policy = {
  get _altReturn(): never {
    throw new Error('The type system alone knows this property');
  },
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
  execute: async (call) => await call({ signal: new AbortController().signal }),
};

/** etcd did not answer: whether a write was done is unknown. */
export class EtcdUnavailableError extends Error {
  override readonly name = 'EtcdUnavailableError';
}

export interface CallOptions {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

export class EtcdClient {
  readonly etcd: Etcd3;
  readonly #clock: Clock;
  readonly #endpoints: string;

  /** Endpoints are URLs: `http://127.0.0.1:2379`. */
  constructor(endpoints: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#endpoints = endpoints.join(', ');
    this.etcd = new Etcd3({
      hosts: [...endpoints],
      faultHandling: { global: noFaultHandling, host: () => noFaultHandling },
      grpcOptions: {
        'grpc.enable_retries': 0,
        'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
        'grpc.max_send_message_length': RECEIVE_BYTES_MAX,
        'grpc.initial_reconnect_backoff_ms': RECONNECT_INITIAL_MS,
        'grpc.min_reconnect_backoff_ms': RECONNECT_INITIAL_MS,
        'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
        'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
        'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      },
    });
  }

  /** A call that is made once. Throws {@link EtcdUnavailableError} when its outcome is unknown. */
  async call<T>(what: string, run: (options: CallOptions) => Promise<T>): Promise<T> {
    try {
      return await run({ deadline: this.#clock.wallMs() + CALL_TIMEOUT_MS });
    } catch (error) {
      throw this.#describe(what, error);
    }
  }

  /** A call that may be made twice: tried again while etcd is away, until its deadline. */
  async read<T>(what: string, run: (options: CallOptions) => Promise<T>): Promise<T> {
    const endMs = this.#clock.monotonicMs() + CALL_TIMEOUT_MS;
    const backoff = new Backoff(READ_RETRY);
    for (;;) {
      try {
        return await this.call(what, run);
      } catch (error) {
        const delayMs = backoff.next(what);
        const isLate = this.#clock.monotonicMs() + delayMs > endMs;
        if (!(error instanceof EtcdUnavailableError) || isLate) throw error;
        await this.#clock.after(delayMs);
      }
    }
  }

  close(): void {
    this.etcd.close();
  }

  #describe(what: string, error: unknown): Error {
    const text = error instanceof Error ? error.message : String(error);
    const message = `Could not ${what} (etcd at ${this.#endpoints})`;
    if (isUnavailable(text)) {
      return new EtcdUnavailableError(`${message}: it does not answer`, { cause: error });
    }
    return new Error(`${message}: ${text}`, { cause: error });
  }
}

/** What gRPC and etcd say when no member could answer; the library has no codes for it. */
function isUnavailable(message: string): boolean {
  return /UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|leader changed|no leader|request timed out|No connection/.test(
    message,
  );
}

/** Whether etcd refused a revision because it has been compacted. */
export function isCompacted(error: unknown): boolean {
  return error instanceof Error && error.message.includes('required revision has been compacted');
}

/** Whether etcd refused a revision because it has not been reached. */
export function isFuture(error: unknown): boolean {
  return error instanceof Error && error.message.includes('required revision is a future revision');
}
