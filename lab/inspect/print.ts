/** `skiff inspect` as text: a page to read beside the sentence "a container is a special process". */

import { alignColumns } from '../../cli/printers/table.ts';
import type { CgroupFacts } from './cgroup-facts.ts';
import type { ContainerFacts, PodFacts, Sharing } from './inspect-pod.ts';
import {
  type MountFacts,
  NAMESPACES,
  type NamespaceName,
  type ProcessFacts,
} from './process-facts.ts';

/** What a process sees differently in a namespace of its own. Source: namespaces(7). */
const MEANING: Readonly<Record<NamespaceName, string>> = {
  mnt: 'files',
  pid: 'processes',
  net: 'network',
  ipc: 'shared memory',
  uts: 'host name',
  cgroup: 'cgroup paths',
  user: 'user ids',
  time: 'clocks since boot',
};
const INDENT = '  ';

/** Lines without their ends. */
export function formatPod(pod: PodFacts): readonly string[] {
  return [
    `Pod ${pod.namespace}/${pod.name} on ${pod.node}${pod.ip === '' ? '' : `, ${pod.ip}`}`,
    `${INDENT}sandbox ${pod.sandboxId}`,
    ...pod.containers.flatMap((container) => ['', ...formatContainer(container)]),
  ];
}

function formatContainer(container: ContainerFacts): readonly string[] {
  const { name, id, image, state, process, sharing, cgroup } = container;
  const head = [
    `Container ${name}`,
    `${INDENT}id            ${id}`,
    `${INDENT}image         ${image}`,
  ];
  if (process === undefined || sharing === undefined) {
    const text = state.replace('CONTAINER_', '').toLowerCase();
    return [...head, `${INDENT}process       none: it is ${text}`];
  }
  return [
    ...head,
    ...indented(processLines(process)),
    `${INDENT}namespaces`,
    ...indented(namespaceLines(process, sharing), 2),
    `${INDENT}cgroups`,
    ...indented(cgroupLines(process, cgroup), 2),
    `${INDENT}capabilities`,
    ...indented(capabilityLines(process), 2),
    `${INDENT}root`,
    ...indented(rootLines(process.mounts, container.layers), 2),
    `${INDENT}mounts`,
    ...indented(mountLines(process), 2),
  ];
}

function processLines({ status, command, uidMap }: ProcessFacts): readonly string[] {
  const outside = status.pids[0] ?? 0;
  const inside = status.pids.at(-1) ?? outside;
  const map = uidMap.filter(([from, to]) => from !== to);
  const mapped = map.map(
    ([from, to, count]) => `${from}-${from + count - 1} are ${to}-${to + count - 1}`,
  );
  const filters = status.seccompFilters > 1 ? ` (${status.seccompFilters})` : '';
  return [
    `process       PID ${outside} on the node, ${inside} inside: ${oneLine(command)}`,
    `user          uid ${status.uid}, gid ${status.gid}, groups ${status.groups.join(' ') || 'none'} (on the node)`,
    ...(mapped.length === 0 ? [] : [`ids           inside ${mapped.join(', ')} on the node`]),
    `seccomp       ${status.seccomp === 'filter' ? `a filter of system calls${filters}` : status.seccomp}`,
    `no_new_privs  ${status.noNewPrivileges ? 'yes: setuid programs give nothing' : 'no'}`,
  ];
}

function namespaceLines(
  { namespaces }: ProcessFacts,
  sharing: Readonly<Record<NamespaceName, Sharing>>,
): readonly string[] {
  return alignColumns(
    NAMESPACES.map((name) => [
      name,
      String(namespaces[name]),
      sharingText(sharing[name]),
      `(${MEANING[name]})`,
    ]),
  );
}

function sharingText(sharing: Sharing): string {
  switch (sharing.kind) {
    case 'own':
      return 'its own';
    case 'node':
      return "the node's";
    case 'pod':
      return sharing.others.length === 0
        ? "the pod's"
        : `the pod's, with ${sharing.others.join(', ')}`;
  }
}

function cgroupLines({ cgroups }: ProcessFacts, facts: CgroupFacts | undefined): readonly string[] {
  const paths = [...new Set(cgroups.map(({ path }) => path))];
  if (facts === undefined) return paths;
  const { cpu, memory, pids } = facts;
  const limit = cpu.limitMilli === undefined ? 'no limit' : `at most ${cpu.limitMilli}m`;
  const memoryLimit =
    memory.limitBytes === undefined ? 'no limit' : `at most ${mib(memory.limitBytes)}`;
  return [
    ...paths,
    ...alignColumns([
      [
        'cpu',
        `${limit}, ${cpu.weight.kind} ${cpu.weight.value}`,
        `used ${cpu.usedMs.toFixed(1)} ms`,
      ],
      ['memory', memoryLimit, `uses ${mib(memory.usedBytes)}`],
      [
        'pids',
        pids.limit === undefined ? 'no limit' : `at most ${pids.limit}`,
        `uses ${pids.used}`,
      ],
    ]),
  ];
}

function capabilityLines({ status }: ProcessFacts): readonly string[] {
  const { effective, bounding, inheritable, ambient } = status.capabilities;
  const text = (set: readonly string[]): string => (set.length === 0 ? 'none' : set.join(' '));
  const isSame = effective.join() === bounding.join();
  return [
    `effective    ${text(effective)}`,
    `bounding     ${isSame ? 'the same' : text(bounding)}`,
    `inheritable  ${text(inheritable)}`,
    `ambient      ${text(ambient)}`,
  ];
}

/** The layers of the overlay, the top one first: what is written goes to the upper folder. */
function rootLines(
  mounts: readonly MountFacts[],
  layers: readonly string[] | undefined,
): readonly string[] {
  const root = mounts.findLast(({ target }) => target === '/');
  if (root === undefined) return ['unknown'];
  if (root.type !== 'overlay') return [`${root.type} ${root.source}`];
  const values = (key: string): readonly string[] =>
    root.options
      .filter((option) => option.startsWith(`${key}=`))
      .map((option) => option.slice(key.length + 1));
  const lower = [...values('lowerdir'), ...values('lowerdir+')].flatMap((paths) =>
    paths.split(':'),
  );
  return [
    'overlay',
    ...values('upperdir').map((folder) => `upper  ${folder}`),
    ...(layers ?? lower).map((folder) => `lower  ${folder}`),
  ];
}

function mountLines({ mounts, cgroups }: ProcessFacts): readonly string[] {
  const own = new Set(cgroups.map(({ path }) => path));
  const note = ({ type, root }: MountFacts): string => {
    if (type === 'tmpfs' && root === '/null') return '(hidden behind /dev/null)';
    if (type.startsWith('cgroup') && own.has(root)) return '(its own cgroup)';
    return root === '/' ? '' : root;
  };
  return alignColumns(
    mounts
      .filter(({ target }) => target !== '/')
      .map((mount) => [mount.target, mount.type, mount.isReadonly ? 'ro' : 'rw', note(mount)]),
  );
}

/** Enough to know a program by. */
const COMMAND_LENGTH_MAX = 100;

function oneLine(command: string): string {
  const line = command.replaceAll(/\s+/g, ' ');
  return line.length <= COMMAND_LENGTH_MAX ? line : `${line.slice(0, COMMAND_LENGTH_MAX)}…`;
}

function indented(lines: readonly string[], depth = 1): readonly string[] {
  return lines.map((line) => `${INDENT.repeat(depth)}${line}`.trimEnd());
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
