/** Which capabilities a container's process gets. Pure. Source: capabilities(7), Linux 6.x. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { ALL_CAPABILITIES as ALL } from '../container/capabilities.ts';

/** What other runtimes give to an unprivileged container, so that images find what they expect. */
const DEFAULT = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const EVERY = 'ALL';

export interface CapabilityRequest {
  readonly isPrivileged: boolean;
  /** With or without `CAP_`; `ALL` means every one. Dropping ALL and adding one leaves that one. */
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/** Sorted, as `CAP_…`. Throws a CriError at a name that the kernel does not know. */
export function capabilitiesOf(request: CapabilityRequest): readonly string[] {
  if (request.isPrivileged) return [...ALL];
  const add = request.add.map(fullName);
  const drop = request.drop.map(fullName);
  const base = add.includes(EVERY) ? ALL : drop.includes(EVERY) ? [] : DEFAULT;
  const kept = base.filter((name) => !drop.includes(name) || add.includes(name));
  const added = add.filter((name) => name !== EVERY);
  return [...new Set([...kept, ...added])].sort();
}

function fullName(name: string): string {
  const upper = name.toUpperCase();
  if (upper === EVERY) return EVERY;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (ALL.some((known) => known === full)) return full;
  throw new CriError('INVALID_ARGUMENT', `unknown capability "${name}"`);
}
