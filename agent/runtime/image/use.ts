/** Who uses which layers: a file for each container. Pure. */

export interface ImageUse {
  readonly imageId: string;
  /** The run folder of the runtime whose container it is. */
  readonly owner: string;
  readonly chainIds: readonly string[];
  /** The folder below `host/`, for a container of the built-in image. */
  readonly hostLayer?: string;
}

export function formatUse(use: ImageUse): string {
  return JSON.stringify(use);
}

/** Undefined when there is none, or it is not one. */
export function parseUse(text: string | undefined): ImageUse | undefined {
  if (text === undefined) return undefined;
  const use = JSON.parse(text) as Partial<ImageUse>;
  const isUse =
    typeof use.imageId === 'string' && typeof use.owner === 'string' && Array.isArray(use.chainIds);
  return isUse ? (use as ImageUse) : undefined;
}
