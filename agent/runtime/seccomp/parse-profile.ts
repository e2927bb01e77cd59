/**
 * Reads a seccomp profile in the JSON form of OCI's runtime specification, with what Docker's form adds
 * (`includes`, `excludes`, `archMap`, one `name`). Pure.
 *
 * Source: OCI runtime-spec config-linux.md (Seccomp) of 1.2, moby/profiles seccomp.go, libseccomp 2.5
 * (SCMP_ACT_… and SCMP_CMP_…).
 */

import {
  type ArgumentCondition,
  type ArgumentOperator,
  errnoReturn,
  SECCOMP_RETURN,
  type SeccompProfile,
  type SeccompRule,
} from './profile.ts';
import type { SeccompArchitecture } from './syscall-names.ts';

/** What the conditions of a profile are checked against. */
export interface ProfileContext {
  readonly architecture: SeccompArchitecture;
  /** `CAP_…`, those the container may have. */
  readonly capabilities: readonly string[];
  /** As `[6, 18]`. */
  readonly kernel: readonly [major: number, minor: number];
}

const EPERM = 1;
const ERRNO_MAX = 4095;
const DATA_MAX = 0xffff;
const UINT64_MAX = 2n ** 64n - 1n;
const ARGUMENTS = 6;

/** SECCOMP_FILTER_FLAG_…; synchronizing threads means nothing to a process with one. */
const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};
const OPERATORS: readonly ArgumentOperator[] = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'];
/** As Go names them, which Docker's conditions use. */
const GO_ARCHITECTURE: Readonly<Record<SeccompArchitecture, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
};

/** Throws an error that says what is wrong, and where. */
export function parseProfile(text: string, context: ProfileContext): SeccompProfile {
  const profile = object(parseJson(text), 'the profile');
  const defaultErrno = integer(profile.defaultErrnoRet ?? EPERM, 'defaultErrnoRet', ERRNO_MAX);
  const defaultReturn = returnOf(profile.defaultAction, defaultErrno, 'defaultAction');
  if (set(profile.architectures) && set(profile.archMap)) {
    throw new Error('only one of "architectures" and "archMap" can be given');
  }
  for (const [index, name] of list(profile.architectures, 'architectures').entries()) {
    const known = typeof name === 'string' && /^SCMP_ARCH_[A-Z0-9_]+$/.test(name);
    if (!known) throw new Error(`architectures[${index}]: ${shown(name)} is not an architecture`);
  }
  if (set(profile.listenerPath)) throw new Error('"listenerPath" is not supported');
  const rules = list(profile.syscalls, 'syscalls').flatMap((entry, index) =>
    parseEntry(object(entry, `syscalls[${index}]`), `syscalls[${index}]`, context),
  );
  // A rule that says what is said anyway changes nothing, and is no contradiction of another.
  const telling = rules.filter(({ returns }) => returns !== defaultReturn);
  refuseContradictions(telling);
  return { defaultReturn, rules: telling, flags: flagsOf(profile.flags) };
}

function parseEntry(
  entry: Readonly<Record<string, unknown>>,
  at: string,
  context: ProfileContext,
): readonly SeccompRule[] {
  const given = set(entry.name) ? [entry.name] : [];
  const names = [...given, ...list(entry.names, `${at}.names`)].map((name) => {
    if (typeof name === 'string' && name !== '') return name;
    throw new Error(`${at}: ${shown(name)} is not the name of a system call`);
  });
  if (names.length === 0) throw new Error(`${at} names no system call`);
  const errno = integer(entry.errnoRet ?? EPERM, `${at}.errnoRet`, DATA_MAX);
  const returns = returnOf(entry.action, errno, `${at}.action`);
  const conditions = list(entry.args, `${at}.args`).map((arg, index) =>
    parseCondition(object(arg, `${at}.args[${index}]`), `${at}.args[${index}]`),
  );
  if (!applies(entry, at, context)) return [];
  // Two conditions on one argument could hardly hold together: each is a rule of its own then.
  const isSplit = new Set(conditions.map(({ index }) => index)).size < conditions.length;
  return isSplit
    ? conditions.map((condition) => ({ names, returns, conditions: [condition] }))
    : [{ names, returns, conditions }];
}

function parseCondition(arg: Readonly<Record<string, unknown>>, at: string): ArgumentCondition {
  const name = typeof arg.op === 'string' ? arg.op.replace(/^SCMP_CMP_/, '') : '';
  const operator = OPERATORS.find((known) => known === name);
  if (operator === undefined) throw new Error(`${at}.op: ${shown(arg.op)} is not a comparison`);
  return {
    index: integer(arg.index ?? 0, `${at}.index`, ARGUMENTS - 1),
    operator,
    value: uint64(arg.value ?? 0, `${at}.value`),
    valueTwo: uint64(arg.valueTwo ?? 0, `${at}.valueTwo`),
  };
}

function returnOf(action: unknown, data: number, at: string): number {
  switch (action) {
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return SECCOMP_RETURN.killThread;
    case 'SCMP_ACT_KILL_PROCESS':
      return SECCOMP_RETURN.killProcess;
    case 'SCMP_ACT_TRAP':
      return SECCOMP_RETURN.trap;
    case 'SCMP_ACT_ERRNO':
      return errnoReturn(Math.min(data, ERRNO_MAX));
    case 'SCMP_ACT_TRACE':
      return SECCOMP_RETURN.trace | data;
    case 'SCMP_ACT_LOG':
      return SECCOMP_RETURN.log;
    case 'SCMP_ACT_ALLOW':
      return SECCOMP_RETURN.allow;
    case 'SCMP_ACT_NOTIFY':
      throw new Error(`${at}: SCMP_ACT_NOTIFY is not supported`);
    default:
      throw new Error(`${at}: ${shown(action)} is not an action`);
  }
}

/** Whether the conditions of Docker's form let the entry in. */
function applies(
  entry: Readonly<Record<string, unknown>>,
  at: string,
  context: ProfileContext,
): boolean {
  const includes = object(entry.includes ?? {}, `${at}.includes`);
  const excludes = object(entry.excludes ?? {}, `${at}.excludes`);
  const architecture = GO_ARCHITECTURE[context.architecture];
  const wanted = list(includes.arches, `${at}.includes.arches`);
  const has = (capability: unknown): boolean =>
    context.capabilities.some((name) => name === capability);
  return (
    (wanted.length === 0 || wanted.includes(architecture)) &&
    list(includes.caps, `${at}.includes.caps`).every(has) &&
    isKernelAtLeast(includes.minKernel, context) &&
    !list(excludes.arches, `${at}.excludes.arches`).includes(architecture) &&
    !list(excludes.caps, `${at}.excludes.caps`).some(has) &&
    !(set(excludes.minKernel) && isKernelAtLeast(excludes.minKernel, context))
  );
}

function isKernelAtLeast(version: unknown, { kernel }: ProfileContext): boolean {
  if (!set(version) || version === '') return true;
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})$/.exec(String(version)) ?? [];
  if (minor === undefined) throw new Error(`${shown(version)} is not a version of the kernel`);
  return kernel[0] > Number(major) || (kernel[0] === Number(major) && kernel[1] >= Number(minor));
}

function flagsOf(value: unknown): number {
  return list(value, 'flags').reduce<number>((flags, name) => {
    const flag = typeof name === 'string' ? FLAGS[name] : undefined;
    if (flag === undefined) throw new Error(`flags: ${shown(name)} is not supported`);
    return flags | flag;
  }, 0);
}

/** One call cannot be answered in two ways without a condition. */
function refuseContradictions(rules: readonly SeccompRule[]): void {
  const answers = new Map<string, number>();
  for (const { names, returns, conditions } of rules) {
    for (const name of conditions.length === 0 ? names : []) {
      const before = answers.get(name) ?? returns;
      if (before !== returns) throw new Error(`two actions for "${name}"`);
      answers.set(name, returns);
    }
  }
}

/** Numbers that a double cannot hold become bigints. */
function parseJson(text: string): unknown {
  type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
  const reviver: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(source ?? '')
      ? BigInt(source ?? '')
      : value;
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw new Error('it is not JSON', { cause });
  }
}

function set(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function object(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new Error(`${at} is not an object`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!set(value)) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${at} is not a list`);
}

function integer(value: unknown, at: string, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) {
    return value;
  }
  throw new Error(`${at}: ${shown(value)} is not between 0 and ${max}`);
}

function uint64(value: unknown, at: string): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  const whole = isWhole ? BigInt(value as bigint | number) : -1n;
  if (whole >= 0n && whole <= UINT64_MAX) return whole;
  throw new Error(`${at}: ${shown(value)} is not an unsigned number of 64 bits`);
}

function shown(value: unknown): string {
  return (
    JSON.stringify(typeof value === 'bigint' ? String(value) : value)?.slice(0, 100) ?? 'nothing'
  );
}
