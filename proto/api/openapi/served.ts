/** What OpenAPI documents describe: the resources that an API server serves, as it lists them. */

/** A kind of request bodies. */
export interface ServedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface ServedSubresource {
  /** `status` */
  readonly name: string;
  /** What is read and written there. */
  readonly kind: ServedKind;
  /** As discovery names them: `get`, `patch`, `update`, `create`. */
  readonly verbs: readonly string[];
}

export interface ServedResourceFacts extends ServedKind {
  readonly plural: string;
  readonly namespaced: boolean;
  /** Absent where there is nothing to list. */
  readonly listKind?: string | undefined;
  readonly verbs: readonly string[];
  readonly subresources: readonly ServedSubresource[];
}

/** `api/v1`, `apis/apps/v1`: the name of a group version in the index of documents. */
export function groupVersionPath(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}
