/** Installs missing system tools with apt: only Debian packages, only those a check names. */

import { spawnSync } from 'node:child_process';
import { type MachineFacts, REQUIRED_TOOLS } from './checks.ts';

/** The packages to install; etcd's only when its store was asked for. */
export function missingPackages(facts: MachineFacts, wantsEtcd: boolean): readonly string[] {
  const required = Object.entries(REQUIRED_TOOLS)
    .filter(([tool]) => facts.tools[tool] !== true)
    .map(([, { package: name }]) => name);
  const etcd = wantsEtcd && facts.tools.etcd !== true ? ['etcd-server'] : [];
  return [...new Set([...required, ...etcd])];
}

/** Throws with apt's last lines when it fails. */
export function installTools(packages: readonly string[], env: NodeJS.ProcessEnv): void {
  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-q'], { env: aptEnv, stdio: 'ignore' });
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  const result = spawnSync('apt-get', args, { env: aptEnv, encoding: 'utf8' });
  if (result.status === 0) return;
  const why = result.error?.message ?? result.stderr.trim().split('\n').slice(-3).join('; ');
  throw new Error(`Could not install ${packages.join(' ')}: ${why}`);
}
