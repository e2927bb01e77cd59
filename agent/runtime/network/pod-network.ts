/** What connects pods to the network, as the rest of the runtime sees it. */

import type { PodSandboxMetadata, PortMapping } from '../../../proto/cri/types.ts';

export interface PodAttachment {
  readonly sandboxId: string;
  readonly metadata: PodSandboxMetadata;
  readonly portMappings: readonly PortMapping[];
}

export type NetworkReadiness =
  | { readonly isReady: true }
  /** In the kubelet's words: `NetworkPluginNotReady`. */
  | { readonly isReady: false; readonly reason: string; readonly message: string };

export interface PodNetwork {
  /** Whether a port of the node can be given to a pod. */
  readonly hasHostPorts: boolean;
  setUp(): Promise<void>;
  readiness(): NetworkReadiness;
  /** Lets go of what all sandboxes but these have; of those that are gone without a word. */
  keepOnly(sandboxIds: ReadonlySet<string>): Promise<void>;
  /**
   * Connects the network namespace pinned at the path. Returns the pod's addresses, the first one
   * being the pod's. Undoes what it did when it fails.
   */
  attach(pod: PodAttachment, netnsPath: string): Promise<readonly string[]>;
  /** The opposite; done again, it is done already. The namespace may be gone. */
  detach(sandboxId: string): Promise<void>;
}
