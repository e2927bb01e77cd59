/**
 * Loads the CRI's service definitions for gRPC. They come from `gen/api.json`, which the generator
 * makes from api.proto, since parsing the text at each start costs three times as much (30 ms against
 * 10 ms); a test holds the two equal.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON, type Options, type PackageDefinition } from '@grpc/proto-loader';
import { IMAGE_SERVICE, RUNTIME_SERVICE } from './rpcs.ts';

/** How messages become JavaScript: types.ts describes the result. */
export const CRI_LOAD_OPTIONS: Options = {
  keepCase: true,
  longs: String,
  enums: String,
  bytes: Buffer,
  defaults: true,
  oneofs: true,
};

export interface CriServices {
  readonly runtime: ServiceDefinition;
  readonly image: ServiceDefinition;
}

/** Synchronous; about 10 ms. */
export function loadCriServices(): CriServices {
  const file = path.join(import.meta.dirname, 'gen/api.json');
  const definition = fromJSON(JSON.parse(readFileSync(file, 'utf8')), CRI_LOAD_OPTIONS);
  return {
    runtime: service(definition, RUNTIME_SERVICE),
    image: service(definition, IMAGE_SERVICE),
  };
}

function service(definition: PackageDefinition, name: string): ServiceDefinition {
  const found = definition[name];
  // A service is the one kind of definition without a `format`.
  if (found === undefined || 'format' in found) throw new Error(`api.json has no service ${name}`);
  return found as ServiceDefinition;
}
