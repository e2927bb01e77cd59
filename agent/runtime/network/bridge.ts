/**
 * The network of one node's pods: a bridge in the node's network namespace, whose address is the
 * gateway; a veth pair for each pod, one end in the bridge, the other as `eth0` in the pod.
 *
 * Routes to other nodes' pods are the business of whoever joins the nodes.
 */

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Cidr, parseCidr } from './cidr.ts';
import type { RunIp } from './ip-command.ts';
import { Ipam } from './ipam.ts';
import type { ConnectPod } from './pod-link.ts';
import type { NetworkReadiness, PodAttachment, PodNetwork } from './pod-network.ts';

export const BRIDGE = 'skiff0';
const POD_INTERFACE = 'eth0';
/** Interface names have at most 15 characters: IFNAMSIZ with its final zero is 16. */
const INTERFACE_LENGTH_MAX = 15;

export interface BridgeNetworkOptions {
  readonly podCidr: string;
  /** Where the taken addresses are recorded. */
  readonly folder: string;
  readonly runIp: RunIp;
  readonly connectPod: ConnectPod;
  /** The node's network namespace, when it is not this process'. */
  readonly nodeNetns?: string;
  /** The switch for forwarding in the node's network namespace. */
  readonly forwardingFile: string;
}

export class BridgeNetwork implements PodNetwork {
  readonly hasHostPorts = false;
  readonly #ipam: Ipam;
  readonly #runIp: RunIp;
  readonly #connectPod: ConnectPod;
  readonly #nodeNetns: string | undefined;
  readonly #isIpv6: boolean;
  readonly #forwardingFile: string;

  constructor(options: BridgeNetworkOptions) {
    const cidr: Cidr = parseCidr(options.podCidr);
    if (cidr.prefix > 30)
      throw new Error(`The pod network ${options.podCidr} has no room for pods`);
    this.#ipam = new Ipam(path.join(options.folder, 'addresses'), cidr);
    this.#runIp = options.runIp;
    this.#connectPod = options.connectPod;
    this.#nodeNetns = options.nodeNetns;
    this.#forwardingFile = options.forwardingFile;
    this.#isIpv6 = existsSync('/proc/net/if_inet6');
  }

  /** Makes the bridge unless it is there, and lets the node forward. */
  async setUp(): Promise<void> {
    if (!(await this.#hasBridge())) await this.#runIp([`link add ${BRIDGE} type bridge`]);
    await this.#runIp([
      'link set lo up',
      `address replace ${this.#ipam.gateway}/${this.#ipam.prefix} dev ${BRIDGE}`,
      // No link-local addresses: pods show those they were given only, and nothing waits for duplicate
      // address detection, the classic second in the start of a pod.
      ...(this.#isIpv6 ? [`link set ${BRIDGE} addrgenmode none`] : []),
      `link set ${BRIDGE} up`,
    ]);
    writeFileSync(this.#forwardingFile, '1');
  }

  /** It is there once it is set up. */
  readiness(): NetworkReadiness {
    return { isReady: true };
  }

  /** Releases the addresses of all sandboxes but these. */
  async keepOnly(sandboxIds: ReadonlySet<string>): Promise<void> {
    this.#ipam.keepOnly(sandboxIds);
  }

  async attach({ sandboxId }: PodAttachment, netnsPath: string): Promise<readonly string[]> {
    const address = this.#ipam.take(sandboxId);
    if (address === undefined) throw new Error('No address is left in the pod network');
    try {
      this.#connectPod({
        veth: vethName(sandboxId),
        podInterface: POD_INTERFACE,
        bridge: BRIDGE,
        podNetns: netnsPath,
        nodeNetns: this.#nodeNetns,
        address,
        prefix: this.#ipam.prefix,
        gateway: this.#ipam.gateway,
        isIpv6: this.#isIpv6,
      });
    } catch (error) {
      await this.detach(sandboxId);
      throw error;
    }
    return [address];
  }

  /**
   * Releases the pod's address. The veth pair goes with the pod's network namespace, which the kernel
   * takes apart by itself: told to, it keeps the caller waiting for some ten milliseconds. Addresses are
   * handed out in turn, so that this one is not given again meanwhile.
   */
  async detach(sandboxId: string): Promise<void> {
    this.#ipam.release(sandboxId);
  }

  async #hasBridge(): Promise<boolean> {
    try {
      await this.#runIp([`link show ${BRIDGE}`]);
      return true;
    } catch {
      return false;
    }
  }
}

export function vethName(sandboxId: string): string {
  return `veth${sandboxId}`.slice(0, INTERFACE_LENGTH_MAX);
}
