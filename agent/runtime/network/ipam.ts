/**
 * The addresses of a node's pods: one file for each address that is taken, named by the address, with
 * the owner's id in it. Creating the file with O_EXCL takes the address, so that neither a crash nor a
 * second process can give one out twice. The first address is the gateway's, the last is broadcast.
 *
 * Addresses are given out round-robin, so that one just released is not reused at once: a peer may
 * still have a connection to the pod that had it.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addressAt, addressCount, type Cidr } from './cidr.ts';

/** Network, gateway and broadcast addresses are not for pods. */
const RESERVED_FIRST = 2;
const RESERVED_LAST = 1;

export class Ipam {
  readonly #folder: string;
  readonly #cidr: Cidr;
  readonly #owners = new Map<string, string>();
  #next = RESERVED_FIRST;

  /** Reads what is taken. */
  constructor(folder: string, cidr: Cidr) {
    this.#folder = folder;
    this.#cidr = cidr;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const address of readdirSync(folder)) {
      this.#owners.set(address, readFileSync(path.join(folder, address), 'utf8'));
    }
    this.#next = this.#indexAfterTaken();
  }

  get gateway(): string {
    return addressAt(this.#cidr, 1);
  }

  get prefix(): number {
    return this.#cidr.prefix;
  }

  /** Returns an address, or undefined when all are taken. An owner has one: asked again, the same. */
  take(owner: string): string | undefined {
    const held = this.addressOf(owner);
    if (held !== undefined) return held;
    const end = addressCount(this.#cidr) - RESERVED_LAST;
    const count = end - RESERVED_FIRST;
    for (let step = 0; step < count; step += 1) {
      const index = RESERVED_FIRST + ((this.#next - RESERVED_FIRST + step) % count);
      const address = addressAt(this.#cidr, index);
      if (this.#owners.has(address) || !this.#create(address, owner)) continue;
      this.#next = index + 1;
      return address;
    }
    return undefined;
  }

  addressOf(owner: string): string | undefined {
    for (const [address, other] of this.#owners) if (other === owner) return address;
    return undefined;
  }

  /** Does nothing when the owner has none. */
  release(owner: string): void {
    const address = this.addressOf(owner);
    if (address === undefined) return;
    rmSync(path.join(this.#folder, address), { force: true });
    this.#owners.delete(address);
  }

  /** Releases the addresses of everybody else: of sandboxes that a crash left without a record. */
  keepOnly(owners: ReadonlySet<string>): void {
    for (const owner of [...this.#owners.values()]) if (!owners.has(owner)) this.release(owner);
  }

  #create(address: string, owner: string): boolean {
    try {
      writeFileSync(path.join(this.#folder, address), owner, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
    this.#owners.set(address, owner);
    return true;
  }

  /** After a restart, goes on behind the highest address that is taken. */
  #indexAfterTaken(): number {
    let next = RESERVED_FIRST;
    const count = addressCount(this.#cidr);
    for (let index = RESERVED_FIRST; index < count && this.#owners.size > 0; index += 1) {
      if (this.#owners.has(addressAt(this.#cidr, index))) next = index + 1;
    }
    return next;
  }
}
