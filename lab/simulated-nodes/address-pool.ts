/**
 * Made-up addresses for simulated nodes and their pods: from 100.64.0.0/10 (RFC 6598), which is routed
 * nowhere, so that nobody is reached by mistake. Each is given once, until it is put back.
 */

import assert from 'node:assert';

const FIRST = 100 * 2 ** 24 + 64 * 2 ** 16;
/** 4,194,304 */
const SIZE = 2 ** 22;

export class AddressPool {
  readonly #used = new Set<number>();
  #next = 1;

  /** Takes note of an address that somebody has; of others, nothing. */
  note(address: string): void {
    const offset = offsetOf(address);
    if (offset !== undefined) this.#used.add(offset);
  }

  take(): string {
    assert(this.#used.size < SIZE - 2, 'All made-up addresses are taken');
    // Addresses come round late, so that one that was just put back isn't met again at once.
    while (this.#used.has(this.#next)) this.#next = (this.#next % (SIZE - 2)) + 1;
    const offset = this.#next;
    this.#used.add(offset);
    this.#next = (offset % (SIZE - 2)) + 1;
    const number = FIRST + offset;
    return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.');
  }

  release(address: string): void {
    const offset = offsetOf(address);
    if (offset !== undefined) this.#used.delete(offset);
  }
}

function offsetOf(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4) return undefined;
  const offset = parts.reduce((sum, part) => sum * 256 + part, 0) - FIRST;
  return offset > 0 && offset < SIZE ? offset : undefined;
}
