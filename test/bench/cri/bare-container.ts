/** One bare container by runc and by crun, as a floor: no CRI, no image, no pod network. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median } from '../../support/statistics.ts';
import { rounded } from './life-cycle.ts';

const RUNS = 20;

/** Median milliseconds of `RUNTIME run` of /bin/true of busybox; a text where it does not run. */
export function bareContainerMs(): Readonly<Record<string, number | string>> {
  return { runc: bareMs('runc'), crun: bareMs('crun') };
}

function bareMs(runtime: string): number | string {
  const folder = mkdtempSync(path.join(tmpdir(), 'skt-bare-'));
  try {
    const bundle = path.join(folder, 'bundle');
    mkdirSync(path.join(bundle, 'rootfs', 'bin'), { recursive: true });
    copyFileSync('/bin/busybox', path.join(bundle, 'rootfs', 'bin', 'true'));
    if (spawnSync(runtime, ['spec'], { cwd: bundle }).status !== 0) return 'is not installed';
    const file = path.join(bundle, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as {
      root: object;
      process: { args: string[]; terminal: boolean };
      mounts: { type: string }[];
    };
    // runc 1.1 looks for its own cgroup in the host's tree, which a hybrid machine has elsewhere.
    config.mounts = config.mounts.filter(({ type }) => type !== 'cgroup');
    config.root = { path: 'rootfs', readonly: true };
    config.process.args = ['/bin/true'];
    config.process.terminal = false;
    writeFileSync(file, JSON.stringify(config));
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const begin = performance.now();
      const id = path.basename(folder);
      const { status, stderr } = spawnSync(runtime, ['run', '--bundle', bundle, id]);
      if (status !== 0) return `fails: ${stderr.toString().trim().split('\n').at(-1) ?? ''}`;
      times.push(performance.now() - begin);
    }
    return rounded(median(times));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
