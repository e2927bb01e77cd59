/**
 * A CRI runtime in memory, with the interface of the real one's client: sandboxes and containers as
 * records, exits when a test says so. It asserts what a runtime may expect of an agent: nothing runs
 * twice at the same time, and no container is started outside of a ready sandbox.
 */

import assert from 'node:assert/strict';
import type { Clock } from '../../base/clock.ts';
import type { CallOptions, CriClient } from '../../proto/cri/client.ts';
import { type CriCode, CriError } from '../../proto/cri/rpcs.ts';
import type {
  Container,
  ContainerConfig,
  ContainerEvent,
  ContainerStatus,
  Input,
  PodSandboxConfig,
  PodSandboxStatus,
  StringMap,
} from '../../proto/cri/types.ts';

interface FakeSandbox {
  readonly id: string;
  readonly config: Input<PodSandboxConfig>;
  readonly createdMs: number;
  ready: boolean;
  ip: string;
}

export interface FakeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: Input<ContainerConfig>;
  readonly logPath: string;
  readonly createdMs: number;
  state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED';
  startedMs: number;
  finishedMs: number;
  exitCode: number;
  reason: string;
}

/** What the requests of all methods have, taken together. */
interface FakeRequest {
  readonly pod_sandbox_id?: string;
  readonly container_id?: string;
  readonly config?: Input<PodSandboxConfig> & Input<ContainerConfig>;
  readonly filter?: { readonly label_selector?: StringMap };
  readonly timeout?: number;
  readonly cmd?: readonly string[];
  readonly image?: { readonly image?: string };
}

type FakeMethod = (request: FakeRequest, options: CallOptions) => Promise<unknown>;

type Method = Exclude<keyof CriClient, 'close' | 'getContainerEvents'>;

export class FakeCri {
  readonly sandboxes = new Map<string, FakeSandbox>();
  readonly containers = new Map<string, FakeContainer>();
  /** `name#attempt` in the order they were started. */
  readonly starts: string[] = [];
  /** Method names in the order they were called. */
  readonly calls: string[] = [];
  /** `name timeout` of every stop that had something to stop. */
  readonly stops: string[] = [];
  readonly images = new Set<string>();
  /** Containers of these names don't end by their stop signal. */
  readonly stubborn = new Set<string>();
  /** Commands of execSync, joined; and what they give. */
  readonly execs: string[] = [];
  exec: (id: string, command: readonly string[]) => Promise<number> = async () => 0;
  /** What Exec and Attach answer, and what they were asked. */
  streamUrl = '';
  readonly streams: unknown[] = [];
  isDown = false;
  readonly #clock: Clock;
  readonly #failures = new Map<string, CriError>();
  readonly #listeners = new Set<(event: ContainerEvent) => void>();
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next call of this method fails. */
  failNext(method: Method, code: CriCode, message: string): void {
    this.#failures.set(method, new CriError(code, message));
  }

  running(): readonly string[] {
    return [...this.containers.values()]
      .filter(({ state }) => state === 'CONTAINER_RUNNING')
      .map(({ config }) => `${config.metadata?.name}`);
  }

  /** The newest run of a container of this name ends. */
  exit(name: string, exitCode: number, reason = exitCode === 0 ? 'Completed' : 'Error'): void {
    const found = [...this.containers.values()].findLast(
      ({ config, state }) => config.metadata?.name === name && state === 'CONTAINER_RUNNING',
    );
    assert.ok(found !== undefined, `No container ${name} is running`);
    this.#end(found, exitCode, reason);
  }

  /** A sandbox dies with all its containers. */
  killSandboxes(): void {
    for (const sandbox of this.sandboxes.values()) this.#stopSandbox(sandbox);
  }

  /** The interface of the real runtime's client. */
  get client(): CriClient {
    const methods: Record<string, unknown> = {};
    for (const [name, method] of Object.entries(this.#methods())) {
      methods[name] = async (request: FakeRequest, options: CallOptions = {}) => {
        this.calls.push(name);
        // As over a socket: the answer comes later.
        await new Promise((resolve) => setImmediate(resolve));
        if (this.isDown) throw new CriError('UNAVAILABLE', 'The runtime is down');
        const failure = this.#failures.get(name);
        this.#failures.delete(name);
        if (failure !== undefined) throw failure;
        return method(request, options);
      };
    }
    methods.close = () => undefined;
    methods.getContainerEvents = (signal: AbortSignal) => this.#events(signal);
    return methods as unknown as CriClient;
  }

  #methods(): Readonly<Record<string, FakeMethod>> {
    return {
      status: async () => ({
        status: {
          conditions: ['RuntimeReady', 'NetworkReady'].map((type) => ({
            ...{ type, status: true, reason: '', message: '' },
          })),
        },
        info: {},
        runtime_handlers: [],
        features: null,
      }),
      runPodSandbox: async ({ config }) => this.#runSandbox(config ?? {}),
      stopPodSandbox: async ({ pod_sandbox_id: id = '' }) => {
        const sandbox = this.sandboxes.get(id);
        if (sandbox !== undefined) this.#stopSandbox(sandbox);
        return {};
      },
      removePodSandbox: async ({ pod_sandbox_id: id = '' }) => {
        const sandbox = this.sandboxes.get(id);
        if (sandbox !== undefined) this.#stopSandbox(sandbox);
        this.sandboxes.delete(id);
        for (const each of [...this.containers.values()]) {
          if (each.sandboxId === id) this.containers.delete(each.id);
        }
        return {};
      },
      podSandboxStatus: async ({ pod_sandbox_id: id = '' }) => ({
        status: this.#sandboxStatus(this.#sandbox(id)),
        info: {},
        containers_statuses: [],
        timestamp: '0',
      }),
      listPodSandbox: async ({ filter }) => ({
        items: [...this.sandboxes.values()]
          .map((each) => this.#sandboxStatus(each))
          .filter(({ labels }) => matches(labels, filter?.label_selector)),
      }),
      createContainer: async ({ pod_sandbox_id: id = '', config }) => {
        if (!this.#sandbox(id).ready) throw new CriError('UNKNOWN', `Sandbox ${id} is not ready`);
        return { container_id: this.#create(id, config ?? {}) };
      },
      startContainer: async ({ container_id: id = '' }) => {
        this.#start(this.#container(id));
        return {};
      },
      stopContainer: async ({ container_id: id = '', timeout = 0 }, options) => {
        await this.#stop(this.#container(id), timeout, options.signal);
        return {};
      },
      removeContainer: async ({ container_id: id = '' }) => {
        this.containers.delete(id);
        return {};
      },
      listContainers: async ({ filter }) => ({
        containers: [...this.containers.values()]
          .map((each) => listed(each))
          .filter(({ labels }) => matches(labels, filter?.label_selector)),
      }),
      containerStatus: async ({ container_id: id = '' }) => ({
        status: statusOf(this.#container(id)),
        info: {},
      }),
      execSync: async ({ container_id: id = '', cmd = [] }) => {
        this.execs.push(cmd.join(' '));
        const exit_code = await this.exec(id, cmd);
        return { exit_code, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
      },
      exec: async (request) => this.#stream(request),
      attach: async (request) => this.#stream(request),
      portForward: async (request) => this.#stream(request),
      imageStatus: async ({ image }) => {
        const name = image?.image ?? '';
        if (!this.images.has(name)) return { image: null, info: {} };
        return { image: imageOf(name), info: {} };
      },
      pullImage: async ({ image }) => {
        this.images.add(image?.image ?? '');
        return { image_ref: `sha256:${image?.image}` };
      },
    };
  }

  async *#events(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const queue: ContainerEvent[] = [];
    let wake = Promise.withResolvers<void>();
    const listener = (event: ContainerEvent): void => {
      queue.push(event);
      wake.resolve();
    };
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => wake.resolve(), { once: true });
    try {
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else {
          await wake.promise;
          wake = Promise.withResolvers();
        }
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  #stream(request: FakeRequest): { readonly url: string } {
    this.streams.push(request);
    return { url: this.streamUrl };
  }

  #runSandbox(config: Input<PodSandboxConfig>): { readonly pod_sandbox_id: string } {
    this.#serial += 1;
    const uid = String(config.metadata?.uid ?? '');
    const attempt = config.metadata?.attempt ?? 0;
    for (const other of this.sandboxes.values()) {
      const same = other.config.metadata?.uid === uid && other.config.metadata?.attempt === attempt;
      if (same) throw new CriError('ALREADY_EXISTS', `The name of sandbox ${uid} is reserved`);
    }
    const id = `sandbox-${this.#serial}`;
    const ip = `10.0.0.${this.#serial % 250}`;
    const createdMs = this.#clock.wallMs();
    this.sandboxes.set(id, { id, config, createdMs, ready: true, ip });
    return { pod_sandbox_id: id };
  }

  #create(sandboxId: string, config: Input<ContainerConfig>): string {
    this.#serial += 1;
    const id = `container-${this.#serial}`;
    const createdMs = this.#clock.wallMs();
    const state = 'CONTAINER_CREATED';
    const zero = { startedMs: 0, finishedMs: 0, exitCode: 0, reason: '' };
    const directory = this.#sandbox(sandboxId).config.log_directory;
    const logPath = `${directory}/${config.log_path}`;
    this.containers.set(id, { id, sandboxId, config, logPath, createdMs, state, ...zero });
    return id;
  }

  #start(container: FakeContainer): void {
    const { name = '', attempt = 0 } = container.config.metadata ?? {};
    const uid = container.config.labels?.['io.kubernetes.pod.uid'];
    for (const other of this.containers.values()) {
      const isSame =
        other.state === 'CONTAINER_RUNNING' &&
        other.config.metadata?.name === name &&
        other.config.labels?.['io.kubernetes.pod.uid'] === uid;
      assert.ok(!isSame, `Container ${name} of pod ${uid} would run twice`);
    }
    if (!this.#sandbox(container.sandboxId).ready) {
      throw new CriError('UNKNOWN', `Sandbox ${container.sandboxId} is not ready`);
    }
    assert.equal(container.state, 'CONTAINER_CREATED');
    container.state = 'CONTAINER_RUNNING';
    container.startedMs = this.#clock.wallMs();
    this.starts.push(`${name}#${attempt}`);
    this.#tell(container, 'CONTAINER_STARTED_EVENT');
  }

  async #stop(container: FakeContainer, timeout: number, signal?: AbortSignal): Promise<void> {
    if (container.state !== 'CONTAINER_RUNNING') return;
    const name = `${container.config.metadata?.name}`;
    this.stops.push(`${name} ${timeout}`);
    if (timeout > 0 && this.stubborn.has(name)) {
      await this.#clock.after(timeout * 1000, signal);
      if (signal?.aborted === true) throw new CriError('CANCELLED', 'cancelled');
      this.#end(container, 137, 'Error');
    } else this.#end(container, timeout > 0 ? 143 : 137, 'Error');
  }

  #stopSandbox(sandbox: FakeSandbox): void {
    sandbox.ready = false;
    for (const each of this.containers.values()) {
      if (each.sandboxId === sandbox.id) this.#end(each, 137, 'Error');
    }
  }

  #end(container: FakeContainer, exitCode: number, reason: string): void {
    if (container.state !== 'CONTAINER_RUNNING') return;
    container.state = 'CONTAINER_EXITED';
    container.exitCode = exitCode;
    container.reason = reason;
    container.finishedMs = this.#clock.wallMs();
    this.#tell(container, 'CONTAINER_STOPPED_EVENT');
  }

  #tell(container: FakeContainer, type: ContainerEvent['container_event_type']): void {
    const sandbox = this.sandboxes.get(container.sandboxId);
    const event: ContainerEvent = {
      container_id: container.id,
      container_event_type: type,
      created_at: nanoseconds(this.#clock.wallMs()),
      pod_sandbox_status: sandbox === undefined ? null : this.#sandboxStatus(sandbox),
      containers_statuses: [],
    };
    for (const listener of this.#listeners) listener(event);
  }

  #sandbox(id: string): FakeSandbox {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) throw new CriError('NOT_FOUND', `No sandbox ${id}`);
    return sandbox;
  }

  #container(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new CriError('NOT_FOUND', `No container ${id}`);
    return container;
  }

  #sandboxStatus(sandbox: FakeSandbox): PodSandboxStatus {
    const { id, config, createdMs, ready, ip } = sandbox;
    const { name = '', uid = '', namespace = '', attempt = 0 } = config.metadata ?? {};
    const metadata = { name: `${name}`, uid: `${uid}`, namespace: `${namespace}`, attempt };
    return {
      id,
      metadata,
      state: ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
      created_at: nanoseconds(createdMs),
      labels: (config.labels ?? {}) as StringMap,
      annotations: (config.annotations ?? {}) as StringMap,
      runtime_handler: '',
      network: { ip, additional_ips: [] },
      linux: null,
    };
  }
}

function imageOf(name: string) {
  const spec = { image: name, annotations: {}, user_specified_image: '', runtime_handler: '' };
  return {
    id: `sha256:${name}`,
    repo_tags: [name],
    repo_digests: [],
    size: '1',
    uid: null,
    username: '',
    spec: { ...spec, image_ref: '' },
    pinned: false,
  };
}

function listed(container: FakeContainer): Container {
  const status = statusOf(container);
  const { id, metadata, image, image_ref, state, created_at, labels, annotations } = status;
  const { image_id } = status;
  const pod_sandbox_id = container.sandboxId;
  return {
    ...{ id, pod_sandbox_id, metadata, image, image_ref, state, created_at },
    ...{ labels, annotations, image_id },
  };
}

function statusOf(container: FakeContainer): ContainerStatus {
  const { config } = container;
  const { name = '', attempt = 0 } = config.metadata ?? {};
  return {
    id: container.id,
    metadata: { name: `${name}`, attempt },
    state: container.state,
    created_at: nanoseconds(container.createdMs),
    started_at: nanoseconds(container.startedMs),
    finished_at: nanoseconds(container.finishedMs),
    exit_code: container.exitCode,
    image: imageOf(`${config.image?.user_specified_image}`).spec,
    image_ref: `${config.image?.image}`,
    reason: container.reason,
    message: '',
    labels: (config.labels ?? {}) as StringMap,
    annotations: (config.annotations ?? {}) as StringMap,
    mounts: (config.mounts ?? []) as ContainerStatus['mounts'],
    log_path: container.logPath,
    resources: null,
    image_id: `${config.image?.image}`,
    user: null,
    stop_signal: 'SIGNAL_SIGTERM',
  };
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms)) * 1_000_000n);
}

function matches(labels: StringMap, selector: unknown): boolean {
  return Object.entries((selector ?? {}) as StringMap).every(([k, v]) => labels[k] === v);
}
