/**
 * The gRPC server: one table of RPCs for both services. What the CRI has and this table has not is
 * answered UNIMPLEMENTED by name. A failure that is no CriError is a bug or the machine's: it is logged
 * here and answered INTERNAL.
 */

import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Logger } from '../../../base/logger.ts';
import { loadCriServices } from '../../../proto/cri/load.ts';
import { CRI_CODES, CRI_MESSAGE_BYTES_MAX, CriError } from '../../../proto/cri/rpcs.ts';
import { criErrorOf } from '../sandbox/spawner-link.ts';
import { SpawnerError } from '../spawner/client.ts';
import { getContainerEvents } from './get-container-events.ts';
import type { Services, UnaryRpcs } from './rpc.ts';
import { RPCS } from './table.ts';

export class CriServer {
  readonly #server = new Server({
    'grpc.max_receive_message_length': CRI_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': CRI_MESSAGE_BYTES_MAX,
  });
  readonly #services: Services;
  readonly #logger: Logger;

  constructor(services: Services, logger: Logger) {
    this.#services = services;
    this.#logger = logger;
    const { runtime, image } = loadCriServices();
    this.#server.addService(runtime, this.#implement(runtime));
    this.#server.addService(image, this.#implement(image));
  }

  /** Resolves when it listens at the path, which must be free. Readable and writable by root only. */
  async listen(socketPath: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const umask = process.umask(0o177);
    this.#server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(new Error(`Could not listen at ${socketPath}`, { cause: error }));
    });
    try {
      await promise;
    } finally {
      process.umask(umask);
    }
  }

  /** Ends all calls at once: their clients ask again. */
  close(): void {
    this.#server.forceShutdown();
  }

  #implement(service: ServiceDefinition): UntypedServiceImplementation {
    const implementation: UntypedServiceImplementation = {};
    for (const name of Object.keys(service)) {
      if (name === 'GetContainerEvents') implementation[name] = this.#events();
      else if (isImplemented(name)) implementation[name] = this.#unary(name);
      else if (service[name]?.responseStream === true) implementation[name] = refuseStream(name);
      else implementation[name] = refuseUnary(name);
    }
    return implementation;
  }

  #unary(name: keyof UnaryRpcs): handleUnaryCall<object, object> {
    const rpc: (services: Services, request: never, signal: AbortSignal) => Promise<object> =
      RPCS[name];
    return (call, callback) => {
      const signal = signalOf(call);
      // The decoder made the request for the RPC of that name.
      rpc(this.#services, call.request as never, signal).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#statusOf(name, error)),
      );
    };
  }

  #events(): handleServerStreamingCall<object, object> {
    return (call) => {
      const signal = signalOf(call);
      void this.#pump(call, signal);
    };
  }

  async #pump(call: ServerWritableStream<object, object>, signal: AbortSignal): Promise<void> {
    // The client learns from the metadata that it is subscribed.
    call.sendMetadata(call.metadata.clone());
    try {
      for await (const event of getContainerEvents(this.#services, signal)) {
        if (call.write(event)) continue;
        await new Promise<void>((resolve) => {
          call.once('drain', resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      call.end();
    } catch (error) {
      call.emit('error', this.#statusOf('GetContainerEvents', error));
    }
  }

  #statusOf(rpc: string, error: unknown): { readonly code: number; readonly details: string } {
    const failure = error instanceof SpawnerError ? criErrorOf(error) : error;
    if (failure instanceof CriError) {
      return { code: CRI_CODES.indexOf(failure.code), details: failure.message };
    }
    this.#logger.error('Failed an RPC', { rpc, error });
    const details = error instanceof Error ? error.message : 'internal error';
    return { code: CRI_CODES.indexOf('INTERNAL'), details };
  }
}

function isImplemented(name: string): name is keyof UnaryRpcs {
  return Object.hasOwn(RPCS, name);
}

function refuseUnary(name: string): handleUnaryCall<object, object> {
  return (_call, callback) => callback(unimplemented(name));
}

function refuseStream(name: string): handleServerStreamingCall<object, object> {
  return (call) => void call.emit('error', unimplemented(name));
}

function unimplemented(name: string): { readonly code: number; readonly details: string } {
  return { code: CRI_CODES.indexOf('UNIMPLEMENTED'), details: `not implemented: ${name}` };
}

/** Aborted when the client has gone, has cancelled, or its deadline has passed. */
function signalOf(
  call: ServerUnaryCall<object, object> | ServerWritableStream<object, object>,
): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  call.on('close', () => controller.abort());
  return controller.signal;
}
