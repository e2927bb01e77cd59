/** The shape of an RPC's implementation: request in, response out, a CriError when it fails. */

import type { ImageRpcs, RuntimeRpcs } from '../../../proto/cri/rpcs.ts';
import type { Input } from '../../../proto/cri/types.ts';
import type { Containers } from '../sandbox/containers.ts';
import type { Runtime } from '../sandbox/runtime.ts';
import type { Sandboxes } from '../sandbox/sandboxes.ts';
import type { StreamingServer } from '../streaming/streaming-server.ts';

export interface Services {
  readonly runtime: Runtime;
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
  readonly streaming: StreamingServer;
}

export type UnaryRpcs = RuntimeRpcs & ImageRpcs;

/** The signal is aborted when the client has gone or its deadline has passed. */
export type Rpc<Name extends keyof UnaryRpcs> = (
  services: Services,
  request: UnaryRpcs[Name]['request'],
  signal: AbortSignal,
) => Promise<Input<UnaryRpcs[Name]['response']>>;
