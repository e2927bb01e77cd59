/**
 * Routes to the pods of the other nodes: each node's pod CIDR by way of its address. In the agent's
 * own network namespace; nodes share one link.
 */

import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Informer } from '../../client/informer.ts';
import type { Node } from '../../proto/api/gen/core-v1.ts';
import type { RunTool } from '../run-tool.ts';

/** Marks our routes, so that we find them again; see /etc/iproute2/rt_protos for taken numbers. */
const ROUTE_PROTOCOL = '83';
const RETRY_MS = 1_000;
/** Routes are compared with the kernel's this often, should somebody have removed one. */
const RESYNC_MS = 30_000;

export interface NodeRoutesOptions {
  readonly nodes: Pick<Informer<Node>, 'list' | 'addHandler' | 'hasSynced'>;
  readonly nodeName: string;
  readonly runTool: RunTool;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gateway by destination. */
export type Routes = ReadonlyMap<string, string>;

/** The routes this node should have. */
export function wantedRoutes(nodes: readonly Node[], self: string): Routes {
  const routes = new Map<string, string>();
  for (const node of nodes) {
    const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const cidr = node.spec?.podCIDR;
    if (node.metadata.name === self || address === undefined || cidr === undefined) continue;
    routes.set(cidr, address);
  }
  return routes;
}

export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  #changed = Promise.withResolvers<void>();

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { nodes, clock, logger } = this.#options;
    const change = (): void => this.#changed.resolve();
    signal.addEventListener('abort', change, { once: true });
    // Nodes that aren't known yet aren't gone: their routes stay until then.
    await nodes.hasSynced.catch(() => undefined);
    nodes.addHandler({ onAdd: change, onUpdate: change, onDelete: change });
    while (!signal.aborted) {
      const cancel = clock.schedule(RESYNC_MS, change);
      await this.#changed.promise;
      cancel();
      if (signal.aborted) return;
      this.#changed = Promise.withResolvers();
      try {
        await this.#apply();
      } catch (error) {
        logger.warn('Could not set routes', { error });
        await clock.after(RETRY_MS, signal);
        change();
      }
    }
  }

  async #apply(): Promise<void> {
    const { nodes, nodeName, runTool } = this.#options;
    const wanted = wantedRoutes(nodes.list(), nodeName);
    const present = parseRoutes(
      await runTool('ip', ['-4', 'route', 'show', 'proto', ROUTE_PROTOCOL]),
    );
    for (const [cidr, gateway] of wanted) {
      if (present.get(cidr) === gateway) continue;
      const route = [cidr, 'via', gateway, 'proto', ROUTE_PROTOCOL];
      await runTool('ip', ['-4', 'route', 'replace', ...route]);
    }
    for (const cidr of present.keys()) {
      if (!wanted.has(cidr)) await runTool('ip', ['-4', 'route', 'del', cidr]);
    }
  }
}

/** Of `ip route show`: `10.0.1.0/24 via 10.1.0.2 dev eth0`. */
export function parseRoutes(text: string): Routes {
  const lines = text.split('\n').map((line) => /^(\S+) via (\S+)/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}
