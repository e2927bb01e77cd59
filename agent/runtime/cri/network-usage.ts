/** What has passed through a pod's interfaces, as a message. */

import type { NetworkInterfaceUsage, PodSandboxStats } from '../../../proto/cri/stats-types.ts';
import type { Input } from '../../../proto/cri/types.ts';
import { type InterfaceCounters, readInterfaceCounters } from '../network/interface-counters.ts';

type NetworkUsage = NonNullable<NonNullable<PodSandboxStats['linux']>['network']>;

/** As CNI and the built-in bridge name it. */
const DEFAULT_INTERFACE = 'eth0';

/** Undefined when the namespace is gone: the sandbox has been stopped meanwhile. */
export function networkUsage(netns: string, timestamp: string): Input<NetworkUsage> | undefined {
  let counters: readonly InterfaceCounters[];
  try {
    counters = readInterfaceCounters(netns);
  } catch {
    return undefined;
  }
  const first = counters.find(({ name }) => name === DEFAULT_INTERFACE);
  const others = counters.filter((each) => each !== first);
  return {
    timestamp,
    ...(first && { default_interface: message(first) }),
    interfaces: others.map(message),
  };
}

function message(counters: InterfaceCounters): Input<NetworkInterfaceUsage> {
  return {
    name: counters.name,
    rx_bytes: { value: counters.rxBytes },
    rx_errors: { value: counters.rxErrors },
    tx_bytes: { value: counters.txBytes },
    tx_errors: { value: counters.txErrors },
  };
}
