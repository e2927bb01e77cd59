/** Which processes a lab runs, with which flags, in which network namespace. Pure. */

import path from 'node:path';
import { SCHEDULER_PORT } from '../../proto/scheduler/explanation.ts';
import { capacityText } from '../simulated-nodes/settings.ts';
import {
  controlAddress,
  controlNetns,
  imageDirOf,
  type LabSpec,
  labCgroup,
  type NodeSpec,
  nodeAddress,
  nodeDataDir,
  nodeNetns,
  nodeRunDir,
  pkiDir,
  podCidr,
  registryConfigFile,
  runtimeSocket,
  serviceCidr,
} from './lab-spec.ts';

export interface ProcessSpec {
  /** `apiserver`, `node-1/agent`: names the log file and the line in `skiff status`. */
  readonly name: string;
  readonly netns: string;
  /** The host name inside; absent: the host's. */
  readonly hostname?: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** etcd's ports inside the lab's namespace; they clash with nobody there. */
const ETCD_CLIENT_URL = 'http://127.0.0.1:2379';
const ETCD_PEER_URL = 'http://127.0.0.1:2380';
const AGENT_PORT = 10250;
const PODS_MAX = 110;

/** The processes in the order to start them; none waits for another. */
export function processPlan(
  spec: LabSpec,
  programs: { readonly node: string; readonly root: string },
): readonly ProcessSpec[] {
  const component = (name: string, entry: string, args: readonly string[]): ProcessSpec => ({
    name,
    netns: controlNetns(spec),
    command: programs.node,
    args: [...NODE_FLAGS, path.join(programs.root, entry), ...args],
  });
  const kubeconfig = (user: string): string => path.join(pkiDir(spec), `${user}.kubeconfig`);
  const etcd = spec.store === 'etcd' ? [etcdProcess(spec)] : [];
  return [
    ...etcd,
    component('apiserver', 'apiserver/main.ts', apiserverArgs(spec)),
    ...spec.nodes.flatMap((node) => nodeProcesses(spec, node, component)),
    component('scheduler', 'scheduler/main.ts', [
      ...['--kubeconfig', kubeconfig('scheduler')],
      ...(spec.schedulerConfig === undefined ? [] : ['--config', spec.schedulerConfig]),
      ...['--bind-address', controlAddress(spec)],
      ...['--secure-port', String(SCHEDULER_PORT), '--pki-dir', pkiDir(spec)],
      ...(spec.policies ?? []).flatMap((file) => ['--policy', file]),
    ]),
    component('controllers', 'controllers/main.ts', [
      ...['--kubeconfig', kubeconfig('controllers')],
      ...['--pki-dir', pkiDir(spec)],
    ]),
    ...simulatedNodes(spec, component, kubeconfig),
  ];
}

function simulatedNodes(
  { simulated }: LabSpec,
  component: (name: string, entry: string, args: readonly string[]) => ProcessSpec,
  kubeconfig: (user: string) => string,
): readonly ProcessSpec[] {
  if (simulated === undefined) return [];
  const { count, capacity, zones, isTainted } = simulated;
  return [
    component('simulated-nodes', 'lab/simulated-nodes/main.ts', [
      ...['--kubeconfig', kubeconfig('simulated-nodes')],
      ...['--count', String(count), '--zones', String(zones)],
      ...['--capacity', capacityText(capacity)],
      ...(isTainted ? ['--tainted'] : []),
    ]),
  ];
}

/** Small heaps: a lab runs many of these processes on one machine. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];

function apiserverArgs(spec: LabSpec): readonly string[] {
  const etcdEndpoints = spec.store === 'etcd' ? [ETCD_CLIENT_URL] : spec.etcdEndpoints;
  const store =
    spec.store === 'embedded'
      ? ['--store', 'embedded', '--data-dir', path.join(spec.dataDir, 'store')]
      : ['--store', 'etcd', '--etcd-endpoints', etcdEndpoints.join(',')];
  return [
    ...['--bind-address', controlAddress(spec)],
    ...['--secure-port', String(spec.port)],
    ...['--pki-dir', pkiDir(spec)],
    ...['--service-cidr', serviceCidr(spec)],
    ...store,
  ];
}

function nodeProcesses(
  spec: LabSpec,
  node: NodeSpec,
  component: (name: string, entry: string, args: readonly string[]) => ProcessSpec,
): readonly ProcessSpec[] {
  const runDir = nodeRunDir(spec, node.name);
  const dataDir = nodeDataDir(spec, node.name);
  const socket = runtimeSocket(spec, node.name);
  const cgroupRoot = `${labCgroup(spec.name)}/${node.name}`;
  const runtime = component(`${node.name}/runtime`, 'agent/runtime/main.ts', [
    ...['--socket', socket],
    ...['--run-dir', runDir],
    ...['--data-dir', path.join(dataDir, 'runtime')],
    ...['--image-dir', imageDirOf(spec)],
    ...['--cgroup-root', cgroupRoot],
    ...['--pod-cidr', podCidr(spec, node)],
    ...['--registry-config', registryConfigFile(spec)],
    ...(spec.cniConfDir === undefined ? [] : ['--cni-conf-dir', spec.cniConfDir]),
  ]);
  const agent = component(`${node.name}/agent`, 'agent/main.ts', [
    ...['--kubeconfig', path.join(pkiDir(spec), `${node.name}.kubeconfig`)],
    ...['--node-name', node.name],
    ...['--node-ip', nodeAddress(spec, node)],
    ...['--port', String(AGENT_PORT)],
    ...['--pki-dir', pkiDir(spec)],
    ...['--data-dir', path.join(dataDir, 'agent')],
    ...['--runtime-endpoint', `unix://${socket}`],
    ...['--cgroup-root', cgroupRoot],
    ...['--pod-cidr', podCidr(spec, node)],
    ...['--cpu-milli', String(node.cpuMilli)],
    ...['--memory-bytes', String(node.memoryBytes)],
    ...['--max-pods', String(PODS_MAX)],
  ]);
  const place = { netns: nodeNetns(spec, node.name), hostname: node.name };
  return [
    { ...runtime, ...place },
    { ...agent, ...place },
  ];
}

function etcdProcess(spec: LabSpec): ProcessSpec {
  return {
    name: 'etcd',
    netns: controlNetns(spec),
    command: 'etcd',
    args: [
      ...['--name', spec.name],
      ...['--data-dir', path.join(spec.dataDir, 'etcd')],
      ...['--listen-client-urls', ETCD_CLIENT_URL, '--advertise-client-urls', ETCD_CLIENT_URL],
      ...['--listen-peer-urls', ETCD_PEER_URL, '--initial-advertise-peer-urls', ETCD_PEER_URL],
      ...['--initial-cluster', `${spec.name}=${ETCD_PEER_URL}`],
      ...['--auto-compaction-retention', '1h', '--logger', 'zap', '--log-level', 'warn'],
    ],
  };
}

/**
 * The command line that runs a process in its network namespace (and UTS namespace, with its host
 * name); it execs, so that the process id is the process'.
 */
export function commandLine(process: ProcessSpec): readonly string[] {
  const enter = ['nsenter', `--net=/run/netns/${process.netns}`, '--'];
  const name =
    process.hostname === undefined
      ? []
      : [
          ...['unshare', '--uts', '--'],
          ...['sh', '-c', 'echo "$0" >/proc/sys/kernel/hostname && exec "$@"', process.hostname],
        ];
  return [...enter, ...name, process.command, ...process.args];
}
