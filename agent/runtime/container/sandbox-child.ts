/**
 * What a cloned child does to make the namespaces of a pod: it is born in them, gives the pod its host
 * name, its loopback device and its sysctls, binds each namespace to a file, and ends. The files keep
 * the namespaces.
 */

import * as libc from '../syscalls/libc.ts';
import * as linux from '../syscalls/linux.ts';
import { formatChildLine } from './child-report.ts';
import { openInRoot } from './in-root.ts';

export interface SandboxJob {
  readonly report: number;
  /** Host files to bind the namespaces of the child to. */
  readonly pins: readonly { readonly name: 'net' | 'ipc' | 'uts'; readonly file: string }[];
  readonly hostname: string;
  readonly sysctls: Readonly<Record<string, string>>;
}

const FAILED_STATUS = 127;
const AF_INET = 2;
const SOCK_DGRAM = 2;
/** struct ifreq: a name of 16 bytes, then flags of 16 bits. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS_AT = 16;
const IFF_UP = 1;

/** Never returns. Done again after a crash, it covers what the first has bound. */
export function runSandboxChild(job: SandboxJob): never {
  const tell = (line: Parameters<typeof formatChildLine>[0]): void =>
    void libc.write(job.report, Buffer.from(formatChildLine(line)));
  try {
    const names = job.pins.map(({ name }) => name);
    if (names.includes('uts')) libc.sethostname(job.hostname);
    if (names.includes('net')) raiseLoopback();
    for (const [name, value] of Object.entries(job.sysctls)) writeSysctl(name, value);
    for (const { name, file } of job.pins) {
      libc.mount(`/proc/self/ns/${name}`, file, null, linux.MS_BIND, null);
    }
    tell({ kind: 'exec' });
    libc.exitNow(0);
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
  libc.exitNow(FAILED_STATUS);
}

function raiseLoopback(): void {
  const socket = libc.socket(AF_INET, SOCK_DGRAM | linux.O_CLOEXEC);
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write('lo');
  libc.ioctl(socket, linux.SIOCGIFFLAGS, request);
  request.writeUInt16LE(request.readUInt16LE(IFREQ_FLAGS_AT) | IFF_UP, IFREQ_FLAGS_AT);
  libc.ioctl(socket, linux.SIOCSIFFLAGS, request);
}

/** Those of a namespace are the caller's own, whichever procfs they are written through. */
function writeSysctl(name: string, value: string): void {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`;
  const file = openInRoot(linux.AT_FDCWD, path, linux.O_WRONLY);
  libc.write(file, Buffer.from(value));
}
