/** Installs the Debian packages that integration and e2e tests drive, when they are missing. */

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync } from 'node:fs';
import path from 'node:path';

interface Tool {
  readonly package: string;
  /** A file that is there when the package is installed. */
  readonly file: string;
  readonly why: string;
}

const TOOLS: readonly Tool[] = [
  { package: 'iproute2', file: '/sbin/ip', why: 'network namespaces' },
  { package: 'procps', file: '/bin/ps', why: 'ps inside containers' },
  { package: 'iputils-ping', file: '/bin/ping', why: 'reaching nodes and pods' },
  { package: 'etcd-server', file: '/usr/bin/etcd', why: 'the etcd store' },
  { package: 'etcd-client', file: '/usr/bin/etcdctl', why: 'looking into the etcd store' },
  { package: 'containerd', file: '/usr/bin/containerd', why: 'the reference of the CRI' },
  { package: 'runc', file: '/usr/sbin/runc', why: 'containerd' },
  {
    package: 'containernetworking-plugins',
    file: '/usr/lib/cni/bridge',
    why: 'containerd and the CNI',
  },
  { package: 'docker-registry', file: '/usr/bin/docker-registry', why: 'pulling images' },
  { package: 'openssl', file: '/usr/bin/openssl', why: 'a registry with certificates' },
  { package: 'skopeo', file: '/usr/bin/skopeo', why: 'images of other tools' },
  { package: 'umoci', file: '/usr/bin/umoci', why: 'images of other tools' },
  { package: 'apache2-utils', file: '/usr/bin/htpasswd', why: 'a registry with passwords' },
  { package: 'curl', file: '/usr/bin/curl', why: 'waiting for a registry' },
  { package: 'busybox-static', file: '/bin/busybox', why: 'the contents of test images' },
];

/**
 * Debian's kubectl 1.20, unpacked here rather than installed: another package may own the path
 * /usr/bin/kubectl.
 */
export const DEBIAN_KUBECTL = path.resolve('.cache/kubernetes-client/usr/bin/kubectl');

/** Says aloud what it installs; throws when apt fails. Does nothing when all is there. */
export function installTestTools(): void {
  installPackages();
  if (!existsSync(DEBIAN_KUBECTL)) unpackKubectl();
}

function installPackages(): void {
  const missing = TOOLS.filter((tool) => !existsSync(tool.file));
  if (missing.length === 0) return;
  for (const tool of missing) process.stdout.write(`installing ${tool.package} (${tool.why})\n`);
  // A half-configured package of somebody else's must not keep the tests from running.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-q'], { env, stdio: 'ignore' });
  const packages = missing.map((tool) => tool.package);
  const args = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  const result = spawnSync('apt-get', args, { env, encoding: 'utf8' });
  if (result.status === 0) return;
  throw new Error(`Could not install ${packages.join(' ')}: ${result.stderr.slice(-2000)}`);
}

function unpackKubectl(): void {
  process.stdout.write('unpacking kubernetes-client (kubectl 1.20)\n');
  const folder = path.resolve('.cache');
  mkdirSync(folder, { recursive: true });
  const download = spawnSync('apt-get', ['download', '-q', 'kubernetes-client'], { cwd: folder });
  const [file] = globSync('kubernetes-client_*.deb', { cwd: folder });
  if (download.status !== 0 || file === undefined) {
    throw new Error(`Could not download kubernetes-client: ${download.stderr.toString()}`);
  }
  const unpack = spawnSync('dpkg-deb', ['-x', file, 'kubernetes-client'], { cwd: folder });
  if (unpack.status !== 0) throw new Error(`Could not unpack ${file}: ${unpack.stderr.toString()}`);
}
