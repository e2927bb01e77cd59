/**
 * Gives each lab a network 10.X.0.0/16 of its own. A claim is a folder under /run/skiff/subnets,
 * made in one atomic step, so that labs that start at the same moment do not take the same one; it
 * holds the name of the lab. Claims vanish with the machine's run time, as the labs do.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RUN_ROOT } from './lab-spec.ts';

/** 10.128.0.0/16 to 10.253.0.0/16: below lie the usual networks of companies and clusters. */
const FIRST = 128;
const LAST = 253;
const CLAIMS = path.join(RUN_ROOT, 'subnets');

/**
 * Claims a network for the lab and returns its second byte. `preferred` is taken when it is free.
 * `inUse` are the second bytes of networks 10.X that the host already routes elsewhere.
 */
export function claimSubnet(
  lab: string,
  inUse: ReadonlySet<number>,
  preferred: number | undefined,
): number {
  mkdirSync(CLAIMS, { recursive: true, mode: 0o755 });
  const range = Array.from({ length: LAST - FIRST + 1 }, (_, index) => FIRST + index);
  const candidates = preferred === undefined ? range : [preferred, ...range];
  for (const subnet of candidates) {
    if (!inUse.has(subnet) && tryClaim(subnet, lab)) return subnet;
  }
  throw new Error(
    'No network 10.128.0.0/16 to 10.253.0.0/16 is free: stop a lab with "skiff down"',
  );
}

export function releaseSubnets(lab: string): void {
  for (const entry of listClaims()) {
    if (ownerOf(entry) === lab) rmSync(path.join(CLAIMS, entry), { recursive: true, force: true });
  }
}

/** The second bytes of all 10.X networks in the output of `ip -4 route`. */
export function routedSubnets(routes: string): ReadonlySet<number> {
  const found = new Set<number>();
  for (const [, byte = ''] of routes.matchAll(/(?:^|\s)10\.(\d+)\./gm)) found.add(Number(byte));
  return found;
}

function tryClaim(subnet: number, lab: string): boolean {
  const folder = path.join(CLAIMS, String(subnet));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return ownerOf(String(subnet)) === lab;
    throw error;
  }
  writeFileSync(path.join(folder, 'lab'), lab);
  return true;
}

function listClaims(): readonly string[] {
  try {
    return readdirSync(CLAIMS);
  } catch {
    return []; // No lab was ever up since the machine started.
  }
}

function ownerOf(entry: string): string | undefined {
  try {
    return readFileSync(path.join(CLAIMS, entry, 'lab'), 'utf8');
  } catch {
    return undefined; // Another `up` has made the folder and not yet written its name.
  }
}
