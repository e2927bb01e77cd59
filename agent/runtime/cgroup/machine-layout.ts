/** The cgroup hierarchies of this machine. */

import { readFileSync } from 'node:fs';
import { type CgroupLayout, parseCgroupLayout } from './layout.ts';

/** Undefined when no cgroups are mounted. */
export function machineLayout(): CgroupLayout | undefined {
  const layout = parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (layout?.kind !== 'v1' || layout.unified === undefined) return layout;
  const controllers = readFileSync(`${layout.unified}/cgroup.controllers`, 'utf8').trim();
  return { ...layout, unifiedControllers: controllers === '' ? [] : controllers.split(' ') };
}
