/** Pods that a PreEnqueue plugin holds back, by the plugin: only what it waits for concerns them. */

import { type QueuedPod, uidOf } from './queued-pod.ts';

export class GatedPods {
  readonly #byPlugin = new Map<string, Map<string, QueuedPod>>();
  readonly #plugins = new Map<string, string>();

  get size(): number {
    return this.#plugins.size;
  }

  /** Those that hold pods. */
  get plugins(): readonly string[] {
    return [...this.#byPlugin.keys()];
  }

  by(plugin: string): readonly QueuedPod[] {
    return [...(this.#byPlugin.get(plugin)?.values() ?? [])];
  }

  get(uid: string): QueuedPod | undefined {
    return this.#byPlugin.get(this.#plugins.get(uid) ?? '')?.get(uid);
  }

  set(queued: QueuedPod, plugin: string): void {
    const uid = uidOf(queued);
    this.delete(uid);
    this.#plugins.set(uid, plugin);
    const pods = this.#byPlugin.get(plugin) ?? new Map<string, QueuedPod>();
    this.#byPlugin.set(plugin, pods.set(uid, queued));
  }

  delete(uid: string): void {
    const plugin = this.#plugins.get(uid);
    if (plugin === undefined) return;
    this.#plugins.delete(uid);
    const pods = this.#byPlugin.get(plugin);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byPlugin.delete(plugin);
  }
}
