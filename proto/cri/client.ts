/**
 * A client of a CRI runtime, ours or another: one method an RPC, promises, deadlines as the kubelet
 * uses them. It opens the connection lazily and again when the runtime comes back. It does not retry:
 * callers are level-triggered.
 */

import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadCriServices } from './load.ts';
import type { ImageRpcs, RuntimeRpcs } from './rpcs.ts';
import { CRI_CODES, CRI_MESSAGE_BYTES_MAX, CriError } from './rpcs.ts';
import type { ContainerEvent, Input } from './types.ts';

/** The kubelet's runtimeRequestTimeout. */
const DEFAULT_TIMEOUT_MS = 120_000;
/** A runtime that is away is tried again at most this far apart: restarts must be noticed at once. */
const RECONNECT_MS_MAX = 1_000;
const RECONNECT_MS_MIN = 50;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds from now; the default depends on the RPC. Infinity: none. */
  readonly timeoutMs?: number;
}

type Rpcs = RuntimeRpcs & ImageRpcs;

type Methods = {
  readonly [Name in keyof Rpcs as Uncapitalize<Name>]: (
    request: Input<Rpcs[Name]['request']>,
    options?: CallOptions,
  ) => Promise<Rpcs[Name]['response']>;
};

/** Every method fails with a {@link CriError}. */
export interface CriClient extends Methods {
  /** Events as they happen, until the signal is aborted; fails when the stream breaks. */
  getContainerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
  close(): void;
}

/** The part of base/clock.ts that deadlines need: milliseconds since the epoch. */
export interface WallClock {
  wallMs(): number;
}

/** `socketPath` is a path, or `unix://PATH`. Connects at the first call. */
export function newCriClient(socketPath: string, clock: WallClock): CriClient {
  const services = loadCriServices();
  const address = `unix:${socketPath.replace(/^unix:(\/\/)?/, '')}`;
  const connection = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': CRI_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': CRI_MESSAGE_BYTES_MAX,
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MS_MIN,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
    // Runtimes on other sockets must not share a channel's state with this one.
    'grpc.use_local_subchannel_pool': 1,
  });
  const methods: Record<string, unknown> = {
    close: () => connection.close(),
    getContainerEvents: (signal: AbortSignal) => streamEvents(connection, services.runtime, signal),
  };
  for (const service of [services.runtime, services.image]) {
    for (const [name, method] of Object.entries(service)) {
      if (method.responseStream) continue;
      const key = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
      methods[key] = (request: { timeout?: unknown }, options: CallOptions = {}) =>
        callUnary(connection, method, request, clock, {
          timeoutMs: defaultTimeoutMs(name, Number(request.timeout ?? 0)),
          ...options,
        });
    }
  }
  // One method was made for every unary RPC of the two services, which Methods lists.
  return methods as unknown as CriClient;
}

function callUnary(
  connection: Client,
  method: MethodDefinition<object, unknown>,
  request: object,
  clock: WallClock,
  options: CallOptions & { readonly timeoutMs: number },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const deadline = options.timeoutMs === Infinity ? Infinity : clock.wallMs() + options.timeoutMs;
  const call = connection.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    new Metadata(),
    { deadline },
    (error, response) => {
      options.signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(response);
      else reject(criError(error));
    },
  );
  const cancel = (): void => call.cancel();
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted === true) cancel();
  return promise;
}

async function* streamEvents(
  connection: Client,
  service: ServiceDefinition,
  signal: AbortSignal,
): AsyncIterable<ContainerEvent> {
  const method = service.GetContainerEvents;
  if (method === undefined) throw new Error('The service has no GetContainerEvents');
  const call = connection.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    {},
  );
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    // The deserializer made it from the message of that name.
    for await (const event of call) yield event as ContainerEvent;
  } catch (error) {
    if (!signal.aborted) throw criError(error as ServiceError);
  } finally {
    signal.removeEventListener('abort', cancel);
    call.cancel();
  }
}

/** As the kubelet: a sandbox may need twice as long, stop and exec their own time on top. */
function defaultTimeoutMs(name: string, timeoutSeconds: number): number {
  if (name === 'PullImage' || (name === 'ExecSync' && timeoutSeconds === 0)) return Infinity;
  if (name === 'RunPodSandbox') return 2 * DEFAULT_TIMEOUT_MS;
  return DEFAULT_TIMEOUT_MS + Math.max(0, timeoutSeconds) * 1000;
}

/** The status says all: a stack of the transport's would only fill the logs. */
function criError(error: ServiceError): CriError {
  return new CriError(CRI_CODES[error.code] ?? 'UNKNOWN', error.details);
}
