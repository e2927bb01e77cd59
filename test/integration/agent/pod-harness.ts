/** The agent's work on pods against a runtime and an API server in memory; only the disk is real. */

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AgentPaths } from '../../../agent/agent-paths.ts';
import { ImageManager } from '../../../agent/images/image-manager.ts';
import { PullCredentials } from '../../../agent/images/pull-credentials.ts';
import { ProbeManager } from '../../../agent/probes/probe-manager.ts';
import { newHookRunner } from '../../../agent/probes/run-hook.ts';
import { newProbeRunner } from '../../../agent/probes/run-probe.ts';
import { Housekeeping } from '../../../agent/sync/housekeeping.ts';
import { Pleg } from '../../../agent/sync/pleg.ts';
import type { PodContext } from '../../../agent/sync/pod-context.ts';
import { PodWorkers } from '../../../agent/sync/pod-workers.ts';
import { StatusManager } from '../../../agent/sync/status-manager.ts';
import { UserNamespaces } from '../../../agent/user-namespaces/user-namespaces.ts';
import { Mounts } from '../../../agent/volumes/mounts.ts';
import { References } from '../../../agent/volumes/references.ts';
import { VolumeManager } from '../../../agent/volumes/volume-manager.ts';
import { silentLogger } from '../../../base/logger.ts';
import type { Pod, PodStatus } from '../../../proto/api/gen/core-v1.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeCri } from '../../support/fake-cri.ts';
import { FakePodApi } from '../../support/fake-pod-api.ts';

const DEADLINE_MS = 5_000;

export class PodHarness {
  readonly clock = new FakeClock();
  readonly cri = new FakeCri(this.clock);
  readonly api = new FakePodApi();
  /** `Reason: message` of all events. */
  readonly events: string[] = [];
  readonly folder: string;
  readonly paths: AgentPaths;
  /** Pods that have a cgroup. */
  readonly cgroups = new Set<string>();
  workers: PodWorkers;
  context: PodContext;
  #stop = new AbortController();
  #pleg: Promise<void>;

  private constructor(folder: string) {
    this.folder = folder;
    this.paths = new AgentPaths(path.join(folder, 'data'));
    for (const name of ['app:1', 'log:1', 'one:1', 'proxy:1']) this.cri.images.add(name);
    ({ context: this.context, workers: this.workers, pleg: this.#pleg } = this.#start());
  }

  static async create(): Promise<PodHarness> {
    return new PodHarness(await mkdtemp(path.join(os.tmpdir(), 'skt-agent-')));
  }

  /** The agent ends at once, and another one begins. */
  async restart(): Promise<void> {
    await this.stop();
    this.#stop = new AbortController();
    ({ context: this.context, workers: this.workers, pleg: this.#pleg } = this.#start());
  }

  async stop(): Promise<void> {
    this.api.removeHandlers();
    this.#stop.abort();
    await this.clock.advance(0);
    await Promise.all([this.workers.close(), this.#pleg, this.context.statuses.close()]);
    this.context.probes.close();
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  status(name = 'web'): PodStatus {
    return this.api.pods.get(`default/${name}`)?.status ?? {};
  }

  /** One pass of the clean-up of what the API doesn't know. */
  async sweep(): Promise<void> {
    const housekeeping = new Housekeeping({
      context: this.context,
      clock: this.clock,
      podsKnown: Promise.resolve(),
      apiUids: () => new Set([...this.api.pods.values()].map((pod: Pod) => pod.metadata.uid)),
      owns: (uid) => this.workers.owns(uid),
    });
    await housekeeping.sweep(this.#stop.signal);
  }

  /** Lets the work go on until this holds; time stands still. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const endMs = performance.now() + DEADLINE_MS;
    while (!holds()) {
      if (performance.now() > endMs) {
        const state = {
          status: this.status(),
          calls: this.cri.calls.slice(-20),
          events: this.events,
        };
        throw new Error(`Not in time: ${what}\n${JSON.stringify(state, null, 2)}`);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Lets what can go on go on; time stands still. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** As {@link until}, but time goes on too, at most an hour. */
  async settled(what: string, holds: () => boolean): Promise<void> {
    for (let minute = 0; minute < 60 && !holds(); minute += 1) {
      await this.rest();
      for (let second = 0; second < 60 && !holds(); second += 5) await this.clock.advance(5_000);
    }
    await this.until(what, holds);
  }

  #start(): {
    readonly context: PodContext;
    readonly workers: PodWorkers;
    readonly pleg: Promise<void>;
  } {
    const { clock, paths } = this;
    const { signal } = this.#stop;
    const cri = this.cri.client;
    const { client } = this.api;
    const logger = silentLogger;
    const events = {
      record: (_object: unknown, _type: string, reason: string, message: string) => {
        this.events.push(`${reason}: ${message}`);
      },
    };
    // Folders take the place of file systems.
    const mounts = new Mounts(async () => '');
    const references = new References(client, clock);
    const allocatable = { cpuMilli: 2000, memoryBytes: 2 ** 30, pods: 10 };
    const context: PodContext = {
      ...{ cri, clock, logger, events, paths, mounts, references, allocatable },
      volumes: new VolumeManager({ paths, mounts, sources: references, allocatable }),
      images: new ImageManager({
        cri,
        clock,
        events,
        credentials: new PullCredentials(references),
      }),
      cgroups: {
        isUnified: false,
        pathOf: ({ metadata }) => `/kubepods/pod${metadata.uid}`,
        ensure: ({ metadata }) => void this.cgroups.add(metadata.uid),
        remove: async (uid) => void this.cgroups.delete(uid),
        list: async () => this.cgroups,
      },
      probes: new ProbeManager({
        ...{ clock, events },
        runProbe: newProbeRunner(cri),
        onChange: (uid) => workers.wake(uid),
      }),
      hooks: newHookRunner(cri, clock),
      statuses: new StatusManager({ client, clock, logger, signal }),
      services: async () => [],
      dnsOf: () => undefined,
      nodeIp: '10.1.0.2',
      runtime: { name: 'skiff' },
      userNamespaces: new UserNamespaces(paths),
      clusterDomain: 'cluster.local',
    };
    const workers: PodWorkers = new PodWorkers(context, signal);
    const pleg = new Pleg({
      ...{ cri, clock, logger },
      onPod: (uid, event) => workers.notice(uid, event),
      onReconnect: () => workers.wakeAll(),
    });
    this.api.addHandler(workers);
    return { context, workers, pleg: pleg.run(signal) };
  }
}
