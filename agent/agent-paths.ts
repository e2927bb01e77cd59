/** Where the agent keeps things below its data folder. */

import path from 'node:path';
import type { Pod } from '../proto/api/gen/core-v1.ts';

/** `pods/UID` holds what a pod needs to run; `logs/NS_NAME_UID` its logs. */
export class AgentPaths {
  readonly #root: string;

  constructor(dataDir: string) {
    this.#root = dataDir;
  }

  get pods(): string {
    return path.join(this.#root, 'pods');
  }

  /** A tmpfs: volumes whose content comes from the API. */
  get tmpfs(): string {
    return path.join(this.#root, 'tmpfs');
  }

  get logs(): string {
    return path.join(this.#root, 'logs', 'pods');
  }

  /** Profiles that pods name as `localhostProfile`, put there by who administers the node. */
  get seccompProfiles(): string {
    return path.join(this.#root, 'seccomp');
  }

  pod(uid: string): string {
    return path.join(this.pods, uid);
  }

  userNamespace(uid: string): string {
    return path.join(this.pod(uid), 'user-namespace');
  }

  volumes(uid: string): string {
    return path.join(this.pod(uid), 'volumes');
  }

  volume(uid: string, name: string): string {
    return path.join(this.volumes(uid), name);
  }

  /** Bind mounts of parts of volumes. */
  subPaths(uid: string): string {
    return path.join(this.pod(uid), 'volume-subpaths');
  }

  etcHosts(uid: string): string {
    return path.join(this.pod(uid), 'etc-hosts');
  }

  /** A folder for the files of one run of a container. */
  container(uid: string, name: string, attempt: number): string {
    return path.join(this.pod(uid), 'containers', name, String(attempt));
  }

  podLogs(pod: Pod): string {
    const { name, namespace = '', uid } = pod.metadata;
    return path.join(this.logs, `${namespace}_${name}_${uid}`);
  }
}
