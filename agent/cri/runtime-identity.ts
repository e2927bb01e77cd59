/** Who the runtime says it is: the scheme of container ids, and what the node reports. */

import type { CriClient } from '../../proto/cri/client.ts';

const TIMEOUT_MS = 2_000;

/** Until the runtime has answered once it is taken for ours. */
export class RuntimeIdentity {
  #name = 'skiff';
  #version = '0.1.0';
  #isKnown = false;

  /** `skiff`, `containerd` */
  get name(): string {
    return this.#name;
  }

  /** `skiff://0.1.0` */
  get nameAndVersion(): string {
    return `${this.#name}://${this.#version}`;
  }

  /** Asks the runtime, unless it has answered before. Fails when it doesn't answer. */
  async learn(cri: Pick<CriClient, 'version'>): Promise<void> {
    if (this.#isKnown) return;
    const answer = await cri.version({}, { timeoutMs: TIMEOUT_MS });
    this.#name = answer.runtime_name;
    this.#version = answer.runtime_version;
    this.#isKnown = true;
  }
}
