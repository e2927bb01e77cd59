/** Which device nodes a container may use. Source: the runtime specification of OCI, 1.2. */

export interface DeviceRule {
  readonly type: 'c' | 'b';
  /** Absent: any. */
  readonly major?: number;
  readonly minor?: number;
  /** A subset of `rwm`. */
  readonly access: string;
}

/** Nodes may be made of any device, but only these may be opened. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { type: 'c', access: 'm' },
  { type: 'b', access: 'm' },
  { type: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { type: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { type: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { type: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { type: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { type: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { type: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { type: 'c', major: 136, access: 'rwm' }, // the slaves of pseudo-terminals
];

/** As `devices.allow` of cgroup v1 takes it: `c 1:3 rwm`, `c *:* m`. */
export function formatDeviceRule(rule: DeviceRule): string {
  return `${rule.type} ${rule.major ?? '*'}:${rule.minor ?? '*'} ${rule.access}`;
}
