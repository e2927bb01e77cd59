/** How long `ExecSync` of `/bin/true` takes in a container that runs. */

import type { Target } from './life-cycle.ts';

/** Milliseconds of each call. */
export async function execSyncTimes(
  { client, pods }: Target,
  calls: number,
): Promise<readonly number[]> {
  const sandbox = await pods.runSandbox();
  const id = await pods.startContainer(sandbox, ['/bin/sleep', '1000000']);
  const times: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const begin = performance.now();
    const { exit_code } = await client.execSync({ container_id: id, cmd: ['/bin/sh', '-c', ':'] });
    times.push(performance.now() - begin);
    if (exit_code !== 0) throw new Error(`ExecSync ended with ${exit_code}`);
  }
  await client.removePodSandbox({ pod_sandbox_id: sandbox });
  return times;
}
