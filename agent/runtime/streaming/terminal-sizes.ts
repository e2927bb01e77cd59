/**
 * The sizes a client's terminal takes: JSON objects, one after the other, however they are cut. Only the
 * last complete one of a piece counts, so none pile up (CVE-2022-23471).
 */

import type { TerminalSize } from '../spawner/protocol.ts';

/** A size as text is short; what is longer is none. */
const SIZE_BYTES_MAX = 1_024;
/** The kernel's fields have 16 bits. */
const SIZE_MAX = 65_535;

export class TerminalSizes {
  #rest = '';

  /** The newest size that is complete, if any. */
  push(data: Buffer): TerminalSize | undefined {
    const text = this.#rest + data.subarray(-SIZE_BYTES_MAX).toString('latin1');
    const end = text.lastIndexOf('}') + 1;
    this.#rest = text.slice(end).slice(-SIZE_BYTES_MAX);
    return end === 0 ? undefined : parseSize(text.slice(text.lastIndexOf('{', end), end));
  }
}

function parseSize(text: string): TerminalSize | undefined {
  let size: unknown;
  try {
    size = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Width: width, Height: height } = (size ?? {}) as { Width?: unknown; Height?: unknown };
  return isSize(width) && isSize(height) ? { width, height } : undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= SIZE_MAX;
}
