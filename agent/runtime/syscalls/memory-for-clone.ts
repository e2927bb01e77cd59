/**
 * Makes the memory of this process fit to be cloned. V8 marks its pages MADV_DONTFORK, so a cloned
 * child would lack them and die at its first step; before each clone that mark is taken off from every
 * private anonymous mapping.
 *
 * The walk itself must hardly allocate, or it would make new mappings behind its own back: it parses
 * /proc/self/maps from a buffer that is made once. What is new all the same is met by the second walk.
 */

import { closeSync, openSync } from 'node:fs';
import { addressOf, rawLseek, rawMadvise, rawReadTo } from './libc.ts';

const MADV_DOFORK = 11;
/** About 60 mappings of 100 bytes are usual. */
const MAPS_BYTES_MAX = 256 * 1024;
const SEEK_SET = 0;

const SPACE = 0x20;
const NEWLINE = 0x0a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LETTER_A = 0x61;
const LETTER_P = 0x70;
/** Addresses above belong to the kernel (vsyscall). */
const USER_ADDRESS_MAX = 2 ** 47;

export class MemoryForClone {
  readonly #file = openSync('/proc/self/maps', 'r');
  readonly #text = Buffer.alloc(MAPS_BYTES_MAX);
  readonly #address = addressOf(this.#text);
  /** Where {@link #hex} ended. */
  #at = 0;

  /** Call right before the clone, with nothing but the clone after it. */
  allowClone(): void {
    this.#walk();
    this.#walk();
  }

  close(): void {
    closeSync(this.#file);
  }

  #walk(): void {
    const length = this.#readMaps();
    const text = this.#text;
    let at = 0;
    while (at < length) {
      this.#at = at;
      const start = this.#hex();
      this.#at += 1;
      const end = this.#hex();
      at = this.#at + 1;
      const isPrivate = text[at + 3] === LETTER_P;
      at = skipField(text, skipField(text, skipField(text, at)));
      const isAnonymous = text[at] === DIGIT_0 && (text[at + 1] ?? 0) <= SPACE;
      while (at < length && text[at] !== NEWLINE) at += 1;
      at += 1;
      // It fails for the few special mappings, which are there in the child anyway.
      if (isPrivate && isAnonymous && start < USER_ADDRESS_MAX) {
        rawMadvise(start, end - start, MADV_DOFORK);
      }
    }
  }

  /** Reads the whole map, which the kernel hands out a page at a time. */
  #readMaps(): number {
    rawLseek(this.#file, 0, SEEK_SET);
    let length = 0;
    while (length < MAPS_BYTES_MAX) {
      const count: number = rawReadTo(this.#file, this.#address + length, MAPS_BYTES_MAX - length);
      if (count <= 0) return length;
      length += count;
    }
    throw new Error(`The memory map of the spawner is longer than ${MAPS_BYTES_MAX} bytes`);
  }

  #hex(): number {
    let value = 0;
    for (; ; this.#at += 1) {
      const byte = this.#text[this.#at] ?? 0;
      if (byte >= DIGIT_0 && byte <= DIGIT_9) value = value * 16 + byte - DIGIT_0;
      else if (byte >= LETTER_A) value = value * 16 + byte - LETTER_A + 10;
      else return value;
    }
  }
}

function skipField(text: Buffer, from: number): number {
  let at = from;
  while ((text[at] ?? SPACE) !== SPACE) at += 1;
  return at + 1;
}
