/** What the runtime's own processes take while many containers run: PSS, of which nothing counts twice. */

import { readdirSync, readFileSync } from 'node:fs';
import type { SkiffTarget } from '../../support/skiff-runtime.ts';
import { rounded } from './life-cycle.ts';

const CONTAINERS_PER_POD = 10;
const IN_FLIGHT = 8;

/** Megabytes of the CRI server and the spawner (what they have cloned included, until it executes). */
export async function pssWithContainers(target: SkiffTarget, containers: number): Promise<number> {
  const { client, pods, node } = target;
  const sandboxes: string[] = [];
  let left = Math.ceil(containers / CONTAINERS_PER_POD);
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const sandbox = await pods.runSandbox();
      sandboxes.push(sandbox);
      for (let index = 0; index < CONTAINERS_PER_POD; index += 1) {
        const metadata = { name: `c${index}`, attempt: 0 };
        const changes = { metadata, log_path: `c${index}.log` };
        await pods.startContainer(sandbox, ['/bin/sleep', '1000000'], changes);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const running = await client.listContainers({
    filter: { state: { state: 'CONTAINER_RUNNING' } },
  });
  const expected = sandboxes.length * CONTAINERS_PER_POD;
  if (running.containers.length < expected) {
    throw new Error(`${running.containers.length} containers run, of ${expected}`);
  }
  const pss = runtimePids(node.name).reduce((sum, pid) => sum + pssMbOf(pid), 0);
  await Promise.all(sandboxes.map((id) => client.removePodSandbox({ pod_sandbox_id: id })));
  return rounded(pss);
}

/** Node processes whose command line names the node's folder; containers run other programs. */
function runtimePids(name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function pssMbOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024;
}
