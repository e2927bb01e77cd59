/** Linux capabilities by name. Source: include/uapi/linux/capability.h of Linux 6.12. */

/** All that this code knows of, in the kernel's order: a name stands at its number. */
export const ALL_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

/** `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits. */
const VERSION_3 = 0x20080522;
const SET_BYTES = 4;
/** The low half of the effective, permitted and inheritable set, then the high halves. */
const DATA_BYTES = 2 * 3 * SET_BYTES;

/** The number of a capability; undefined when the name is not one. */
export function capabilityNumber(name: string): number | undefined {
  const index = ALL_CAPABILITIES.indexOf(name);
  return index === -1 ? undefined : index;
}

/** The numbers in the bounding set of a /proc/PID/status: for root also what it may have. */
export function parseBoundingSet(status: string): readonly number[] {
  const mask = BigInt(`0x${/^CapBnd:\t([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Array.from({ length: 64 }, (_, number) => number).filter(
    (number) => ((mask >> BigInt(number)) & 1n) === 1n,
  );
}

export interface CapabilitySets {
  readonly effective: readonly number[];
  readonly permitted: readonly number[];
  readonly inheritable: readonly number[];
}

/** The two arguments of capset(2), for the calling thread. */
export function encodeCapabilities(sets: CapabilitySets): {
  readonly header: Buffer;
  readonly data: Buffer;
} {
  const header = Buffer.alloc(2 * SET_BYTES);
  header.writeUInt32LE(VERSION_3, 0);
  const data = Buffer.alloc(DATA_BYTES);
  for (const [index, set] of [sets.effective, sets.permitted, sets.inheritable].entries()) {
    const mask = set.reduce((bits, capability) => bits | (1n << BigInt(capability)), 0n);
    data.writeUInt32LE(Number(mask & 0xffff_ffffn), index * SET_BYTES);
    data.writeUInt32LE(Number(mask >> 32n), (index + 3) * SET_BYTES);
  }
  return { header, data };
}
