/**
 * A seccomp profile, checked and resolved for one container: which system call is answered how. What a
 * profile of a file means is worked out by parse-profile.ts; assemble-filter.ts makes a program of it.
 *
 * Source: seccomp(2), include/uapi/linux/seccomp.h of Linux 6.18.
 */

/** What the kernel takes from a filter: the action in the high half, its data in the low one. */
export const SECCOMP_RETURN = {
  killProcess: 0x8000_0000,
  killThread: 0,
  trap: 0x0003_0000,
  errno: 0x0005_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const;

/** Of what a filter answers with an error number. */
export function errnoReturn(errno: number): number {
  return SECCOMP_RETURN.errno | errno;
}

export interface SeccompProfile {
  /** Of a call that no rule is for. */
  readonly defaultReturn: number;
  /**
   * A rule without conditions wins over those with; of those with conditions the first that holds
   * counts, and the default when none does.
   */
  readonly rules: readonly SeccompRule[];
  /** SECCOMP_FILTER_FLAG_…, for seccomp(2). */
  readonly flags: number;
}

export interface SeccompRule {
  /** Those that the architecture does not have are passed over. */
  readonly names: readonly string[];
  readonly returns: number;
  /** All must hold. */
  readonly conditions: readonly ArgumentCondition[];
}

export type ArgumentOperator = 'NE' | 'LT' | 'LE' | 'EQ' | 'GE' | 'GT' | 'MASKED_EQ';

/** Compares an argument as an unsigned number of 64 bits. */
export interface ArgumentCondition {
  /** 0 to 5. */
  readonly index: number;
  readonly operator: ArgumentOperator;
  /** The mask for MASKED_EQ. */
  readonly value: bigint;
  /** What the masked argument must be, for MASKED_EQ. */
  readonly valueTwo: bigint;
}

/** A program for the kernel, as it is written into a container's spec. */
export interface SeccompFilter {
  /** Array of struct sock_filter, in base64. */
  readonly program: string;
  /** For seccomp(2). */
  readonly flags: number;
}
