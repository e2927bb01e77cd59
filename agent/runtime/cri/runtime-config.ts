/** RuntimeConfig: cgroups are made by writing to the file system, not by asking systemd. */

import type { Rpc } from './rpc.ts';

export const runtimeConfig: Rpc<'RuntimeConfig'> = async () => ({
  linux: { cgroup_driver: 'CGROUPFS' },
});
