/**
 * Writes acknowledged in a second by the stores, each beside its floor: SQLite itself, and the etcd
 * library's bare transactions.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEmbeddedStorage } from '../../apiserver/storage/embedded/embedded-storage.ts';
import { openEtcdStorage } from '../../apiserver/storage/etcd/etcd-storage.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { startEtcd } from '../support/etcd-server.ts';
import { type LoadResult, measureLoad } from './floors/in-flight.ts';
import { podBody } from './floors/pod-body.ts';
import { openRawEtcd } from './floors/raw-etcd.ts';
import { openRawStore } from './floors/raw-sqlite.ts';

const IN_FLIGHT = [1, 64, 256] as const;
const ETCD_IN_FLIGHT = [1, 64] as const;
const WARM_UP_MS = 500;
const DURATION_MS = 3000;

type Put = (key: string, value: Uint8Array) => Promise<unknown>;
type Results = Record<string, LoadResult>;

/** `{ embedded: { "64": {perSecond, p50Ms, p99Ms} … }, embeddedFloor, etcd, etcdFloor }`. */
export async function bench(): Promise<object> {
  const embedded: Results = {};
  const embeddedFloor: Results = {};
  for (const inFlight of IN_FLIGHT) {
    embedded[inFlight] = await measureEmbedded(inFlight);
    const raw = openRawStore();
    embeddedFloor[inFlight] = await measurePuts(inFlight, raw.put);
    raw.close();
    report('embedded', inFlight, embedded[inFlight], embeddedFloor[inFlight]);
  }
  const server = await startEtcd();
  const { endpoint } = server;
  const etcd: Results = {};
  const etcdFloor: Results = {};
  try {
    for (const inFlight of ETCD_IN_FLIGHT) {
      etcd[inFlight] = await measureEtcd(endpoint, inFlight);
      const raw = openRawEtcd(endpoint);
      etcdFloor[inFlight] = await measurePuts(inFlight, raw.put);
      raw.close();
      report('etcd', inFlight, etcd[inFlight], etcdFloor[inFlight]);
    }
  } finally {
    await server.dispose();
  }
  return { embedded, embeddedFloor, etcd, etcdFloor };
}

async function measureEmbedded(inFlight: number): Promise<LoadResult> {
  const dir = mkdtempSync(path.join(tmpdir(), 'skt-store-bench-'));
  const storage = openEmbeddedStorage({ dir, clock: systemClock, logger: silentLogger });
  const result = await measurePuts(inFlight, (key, value) => storage.put(key, value, 0));
  await storage.close();
  rmSync(dir, { recursive: true });
  return result;
}

async function measureEtcd(endpoint: string, inFlight: number): Promise<LoadResult> {
  const endpoints = [endpoint];
  const storage = await openEtcdStorage({ endpoints, clock: systemClock, logger: silentLogger });
  const result = await measurePuts(inFlight, (key, value) => storage.put(key, value, 0));
  await storage.close();
  return result;
}

function measurePuts(inFlight: number, put: Put): Promise<LoadResult> {
  const run = `${process.hrtime.bigint()}`;
  const load = { inFlight, durationMs: DURATION_MS, warmUpMs: WARM_UP_MS };
  return measureLoad(load, (index) => {
    const name = `pod-${index}`;
    return put(`/registry/pods/${run}/${name}`, Buffer.from(podBody(name)));
  });
}

function report(name: string, inFlight: number, result: LoadResult, floor: LoadResult): void {
  const part = ((100 * result.perSecond) / floor.perSecond).toFixed(0);
  process.stdout.write(
    `${name}, ${inFlight} in flight: ${result.perSecond}/s, p99 ${result.p99Ms} ms; ` +
      `floor ${floor.perSecond}/s, p99 ${floor.p99Ms} ms (${part} %)\n`,
  );
}
