/** Where the OpenAPI documents of what is served come from. */

import type { ServedApi } from '../registry/served-api.ts';

export interface OpenApiSource {
  /** Version 2, of everything, as JSON. */
  v2(api: ServedApi): object;
  /** The same as gnostic's `openapi.v2.Document`. */
  v2Protobuf(api: ServedApi): Uint8Array;
  /** Version 3, of one group version. */
  v3(api: ServedApi, group: string, version: string): object;
}
