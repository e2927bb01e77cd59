/** What was counted when a layer was unpacked: `facts.json` in its folder. Pure. */

export interface LayerFacts {
  /** Bytes of its files. */
  readonly bytes: number;
  readonly inodes: number;
  /** Of the machine's start in which it was unpacked: files are not forced to disk one by one. */
  readonly bootId: string;
}

/** Undefined when there is none, or it is not one. */
export function parseLayerFacts(text: string | undefined): LayerFacts | undefined {
  if (text === undefined) return undefined;
  const facts = JSON.parse(text) as Partial<LayerFacts>;
  const areFacts =
    typeof facts.bytes === 'number' &&
    typeof facts.inodes === 'number' &&
    typeof facts.bootId === 'string';
  return areFacts ? (facts as LayerFacts) : undefined;
}
