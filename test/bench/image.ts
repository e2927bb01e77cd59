/**
 * `npm run bench -- image [ROUNDS]`: an image is pulled from a registry on loopback and unpacked, beside
 * a floor: the same blobs by `curl`, and `tar -x`. Both sides in turn in each round, so that noise meets
 * both. Rates are of the unpacked bytes.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImagePuller } from '../../agent/runtime/image/image-puller.ts';
import { ImageStore } from '../../agent/runtime/image/image-store.ts';
import { parseReference } from '../../agent/runtime/image/reference.ts';
import { ANONYMOUS } from '../../agent/runtime/image/registry/credentials.ts';
import { EMPTY_CONFIG, withPlainHttp } from '../../agent/runtime/image/registry/registry-config.ts';
import { systemClock } from '../../base/clock.ts';
import { ociArchive } from '../support/archives.ts';
import { DockerRegistry } from '../support/docker-registry.ts';
import { median } from '../support/statistics.ts';

const ROUNDS = 5;
const LAYERS = 3;
/** As a language's packages are: many small files. */
const SMALL_FILES = 2_000;
const SMALL_BYTES = 6_000;
/** As a program is. */
const LARGE_BYTES = 25_000_000;

export async function bench(args: readonly string[]): Promise<object> {
  const rounds = Number(args[0] ?? ROUNDS);
  const folder = mkdtempSync(path.join(tmpdir(), 'skiff-bench-image-'));
  const registry = await DockerRegistry.start({ folder: path.join(folder, 'registry') });
  try {
    const layers = await makeImage(folder, registry);
    const rates: { readonly skiff: number[]; readonly floor: number[] } = { skiff: [], floor: [] };
    for (let round = 0; round < rounds; round += 1) {
      const [skiff, megabytes] = await timed(() => pull(folder, registry.host));
      rmSync(path.join(folder, 'store'), { recursive: true });
      const [floor] = await timed(async () => download(folder, registry.host, layers));
      rmSync(path.join(folder, 'floor'), { recursive: true });
      rates.skiff.push(megabytes / skiff);
      rates.floor.push(megabytes / floor);
      process.stdout.write(
        `round ${round + 1}: ${megabytes.toFixed(0)} MB, skiff ${(megabytes / skiff).toFixed(0)} MB/s, ` +
          `curl and tar ${(megabytes / floor).toFixed(0)} MB/s\n`,
      );
    }
    const skiff = median(rates.skiff);
    const floor = median(rates.floor);
    return { skiffMBps: skiff, floorMBps: floor, ratio: skiff / floor, layers: LAYERS, rounds };
  } finally {
    await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the digests of the layers. */
async function makeImage(folder: string, registry: DockerRegistry): Promise<readonly string[]> {
  const layers: Buffer[] = [];
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const tree = path.join(folder, `tree-${layer}`);
    for (let file = 0; file < SMALL_FILES; file += 1) {
      const sub = path.join(tree, String(file % 100));
      mkdirSync(sub, { recursive: true });
      writeFileSync(path.join(sub, `f${file}`), halfRandom(SMALL_BYTES));
    }
    writeFileSync(path.join(tree, 'program'), halfRandom(LARGE_BYTES));
    execFileSync('tar', ['-C', tree, '-cf', `${tree}.tar`, '.']);
    layers.push(readFileSync(`${tree}.tar`));
  }
  const archive = path.join(folder, 'image.tar');
  writeFileSync(archive, await ociArchive({ layers, names: ['bench:1'] }));
  registry.push(`oci-archive:${archive}`, 'bench:1');
  const manifest = execFileSync('skopeo', [
    ...['inspect', '--raw', '--tls-verify=false', `docker://${registry.host}/bench:1`],
  ]);
  const pushed = JSON.parse(manifest.toString()) as {
    readonly layers: readonly { readonly digest: string }[];
  };
  return pushed.layers.map(({ digest }) => digest);
}

/** Compresses to about a half, as programs do. */
function halfRandom(bytes: number): Buffer {
  return Buffer.from(
    randomBytes(Math.ceil(bytes / 2))
      .toString('hex')
      .slice(0, bytes),
  );
}

/** Returns the unpacked megabytes. */
async function pull(folder: string, host: string): Promise<number> {
  const store = new ImageStore(path.join(folder, 'store'), 'bench', systemClock);
  const parsed = parseReference(`${host}/bench:1`);
  if (parsed.kind !== 'name') throw new Error('The bench has no image');
  const config = () => withPlainHttp(EMPTY_CONFIG, host);
  const puller = new ImagePuller({ store, clock: systemClock, config });
  const { signal } = new AbortController();
  const image = await puller.pull({ name: parsed.name, credentials: ANONYMOUS, signal });
  return image.size / 1e6;
}

function download(folder: string, host: string, layers: readonly string[]): number {
  const target = path.join(folder, 'floor');
  for (const digest of layers) {
    const blob = path.join(folder, 'blob');
    const root = path.join(target, digest.slice(7));
    mkdirSync(root, { recursive: true });
    execFileSync('curl', ['-sSf', '-o', blob, `http://${host}/v2/bench/blobs/${digest}`]);
    execFileSync('tar', ['-xzf', blob, '-C', root], { stdio: ['ignore', 'ignore', 'ignore'] });
  }
  return 0;
}

/** Seconds, with what it returned. */
async function timed(work: () => Promise<number>): Promise<readonly [number, number]> {
  const startMs = systemClock.monotonicMs();
  const result = await work();
  return [(systemClock.monotonicMs() - startMs) / 1000, result];
}
