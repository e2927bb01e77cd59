/**
 * What a lab is: the facts that `up` decides once and every other command reads back. Kept as
 * `lab.json` in the run folder (as long as the lab is up) and in the data folder (for the next
 * `up` after `down --keep-data`).
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import type { SimulatedNodes } from '../simulated-nodes/settings.ts';

export type StoreKind = 'embedded' | 'etcd' | 'external-etcd';

export interface LabSpec {
  readonly name: string;
  /** Node names in order: `node-1`, `node-2`, … */
  readonly nodes: readonly NodeSpec[];
  readonly store: StoreKind;
  /** For `external-etcd`: the endpoints the API server is given. */
  readonly etcdEndpoints: readonly string[];
  /** The API server's port at the lab's address. */
  readonly port: number;
  /** The second byte of the lab's network 10.X.0.0/16. */
  readonly subnet: number;
  readonly dataDir: string;
  readonly runDir: string;
  /** A KubeSchedulerConfiguration for the scheduler; absent: its defaults. */
  readonly schedulerConfig?: string;
  /** A folder of CNI configurations for the nodes' runtimes; absent: the built-in bridge. */
  readonly cniConfDir?: string;
  /** Policy files for the scheduler; absent: none. */
  readonly policies?: readonly string[];
  /** Nodes that no machine stands behind; absent: none. */
  readonly simulated?: SimulatedNodes;
}

export interface NodeSpec {
  readonly name: string;
  /** From 1; the node's address is 10.X.0.(10 + index), its pods are in 10.X.(index).0/24. */
  readonly index: number;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/** 239 nodes: the pod networks 10.X.1.0/24 to 10.X.239.0/24 lie below the service network. */
export const NODES_MAX = 239;

/** RFC 1123 label, short enough for names of namespaces and cgroups: at most 40 characters. */
export const LAB_NAME = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

export const RUN_ROOT = '/run/skiff';
export const DATA_ROOT = '/var/lib/skiff';

export function runDirOf(name: string): string {
  return path.join(RUN_ROOT, 'labs', name);
}

/** The address of the API server and of the bridge that joins the nodes. */
export function controlAddress(spec: LabSpec): string {
  return `10.${spec.subnet}.0.1`;
}

/** The host's address on the lab's network. */
export function hostAddress(spec: LabSpec): string {
  return `10.${spec.subnet}.0.254`;
}

export function nodeAddress(spec: LabSpec, node: NodeSpec): string {
  return `10.${spec.subnet}.0.${10 + node.index}`;
}

export function podCidr(spec: LabSpec, node: NodeSpec): string {
  return `10.${spec.subnet}.${node.index}.0/24`;
}

export function serviceCidr(spec: LabSpec): string {
  return `10.${spec.subnet}.240.0/21`;
}

/** The network namespace of the control plane; also the lab's switch. */
export function controlNetns(spec: { readonly name: string }): string {
  return `skiff-${spec.name}`;
}

export function nodeNetns(spec: { readonly name: string }, node: string): string {
  return `skiff-${spec.name}-${node}`;
}

/** The host's end of the one veth pair to the lab; interface names have at most 15 bytes. */
export function hostInterface(name: string): string {
  return `skiff-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** The cgroup of everything of a lab, below the mount of each hierarchy. */
export function labCgroup(name: string): string {
  return `/skiff/${name}`;
}

export function serverUrl(spec: LabSpec): string {
  return `https://${controlAddress(spec)}:${spec.port}`;
}

export function pkiDir(spec: LabSpec): string {
  return path.join(spec.dataDir, 'pki');
}

export function nodeDataDir(spec: LabSpec, node: string): string {
  return path.join(spec.dataDir, 'nodes', node);
}

export function nodeRunDir(spec: LabSpec, node: string): string {
  return path.join(spec.runDir, node);
}

/** Of the CRI server of a node. */
export function runtimeSocket(spec: LabSpec, node: string): string {
  return path.join(nodeRunDir(spec, node), 'runtime.sock');
}

/** The images of a lab: one store for all its nodes. */
export function imageDirOf(spec: LabSpec): string {
  return path.join(spec.dataDir, 'images');
}

/** How the registries are reached: what `up --registry-config` was given; may be missing. */
export function registryConfigFile(spec: LabSpec): string {
  return path.join(spec.dataDir, 'registries.yaml');
}
