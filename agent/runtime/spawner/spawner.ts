/**
 * The spawner's requests, carried out: it knows all sandboxes and containers of its run folder, and
 * finds them again when it is started anew.
 */

import type { ContainerSpec, SandboxSpec } from '../container/spec.ts';
import { containerProblems, processProblems, sandboxProblems } from '../container/validate-spec.ts';
import { Container, type SpawnerContext } from './container.ts';
import { ExecProcess } from './exec-process.ts';
import { bootId } from './process-identity.ts';
import {
  type ContainerState,
  type Empty,
  type ExecRequest,
  PROTOCOL_VERSION,
  type Requests,
  type SandboxNamespaces,
} from './protocol.ts';
import { RequestError } from './request-error.ts';
import { ContainerFiles, containerIds, SandboxFiles, sandboxIds } from './run-files.ts';
import { Sandbox } from './sandbox.ts';

/** The requests that are answered with one value. */
export type PlainMethod = Exclude<keyof Requests, 'exec' | 'attach' | 'subscribe'>;

type Handlers = {
  readonly [M in PlainMethod]: (
    params: Requests[M]['params'],
  ) => Promise<Requests[M]['result']> | Requests[M]['result'];
};

const DONE: Empty = {};

export class Spawner {
  readonly #context: SpawnerContext;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Container>();
  /** One change of a sandbox or container at a time: the last of each that is not yet done. */
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #handlers: Handlers;

  constructor(context: SpawnerContext) {
    this.#context = context;
    this.#handlers = {
      version: () => ({ protocol: PROTOCOL_VERSION, pid: process.pid }),
      createSandbox: (spec) => this.#inOrder(spec.id, () => this.#createSandbox(spec)),
      stopSandbox: ({ sandboxId }) => this.#inOrder(sandboxId, () => this.#stopSandbox(sandboxId)),
      removeSandbox: ({ sandboxId }) =>
        this.#inOrder(sandboxId, () => this.#removeSandbox(sandboxId)),
      listSandboxes: () => [...this.#sandboxes.values()].map((sandbox) => sandbox.namespaces()),
      createContainer: (spec) => this.#inOrder(spec.id, async () => this.#createContainer(spec)),
      startContainer: ({ containerId }) =>
        this.#inOrder(containerId, () => this.#startContainer(containerId)),
      signalContainer: ({ containerId, signal, isForAll }) => {
        this.container(containerId).signal(signal, isForAll === true);
        return DONE;
      },
      removeContainer: ({ containerId }) =>
        this.#inOrder(containerId, () => this.#removeContainer(containerId)),
      listContainers: () => this.states(),
      updateContainer: ({ containerId, resources }) => {
        refuse(context.cgroups.problems(resources));
        this.container(containerId).update(resources);
        return DONE;
      },
      reopenLog: ({ containerId }) => {
        this.container(containerId).live().stdio.log?.reopen();
        return DONE;
      },
      shutdown: () => this.#removeAll(),
    };
  }

  /** Takes over what an earlier spawner of this folder has left. */
  async restore(): Promise<void> {
    const { runDir } = this.#context;
    for (const id of sandboxIds(runDir)) {
      const files = new SandboxFiles(runDir, id);
      const record = files.record.read();
      if (record === undefined) files.remove();
      else {
        const sandbox = new Sandbox(record.spec, this.#context);
        if (record.isReady && record.bootId === bootId()) this.#sandboxes.set(id, sandbox);
        else await sandbox.remove();
      }
    }
    for (const id of containerIds(runDir)) {
      const files = new ContainerFiles(runDir, id);
      const spec = files.spec.read();
      if (spec === undefined) files.remove();
      else {
        const container = new Container(spec, files, this.#context);
        this.#containers.set(id, container);
        container.adopt();
      }
    }
  }

  handle<M extends PlainMethod>(
    method: M,
    params: Requests[M]['params'],
  ): Promise<Requests[M]['result']> | Requests[M]['result'] {
    const handler: ((params: Requests[M]['params']) => unknown) | undefined =
      this.#handlers[method];
    if (!Object.hasOwn(this.#handlers, method)) {
      throw new RequestError(`There is no request "${method}"`, { kind: 'invalid' });
    }
    return handler(params) as Promise<Requests[M]['result']>;
  }

  /** Throws `not-found`. */
  container(id: string): Container {
    const container = this.#containers.get(id);
    if (container !== undefined) return container;
    throw new RequestError(`There is no container ${id}`, { kind: 'not-found' });
  }

  states(): readonly ContainerState[] {
    return [...this.#containers.values()].map((container) => container.state());
  }

  async exec(request: ExecRequest): Promise<ExecProcess> {
    refuse(processProblems(request.process));
    return ExecProcess.start(request, this.container(request.containerId), this.#context);
  }

  async #createSandbox(spec: SandboxSpec): Promise<SandboxNamespaces> {
    refuse(sandboxProblems(spec));
    refuse(this.#context.cgroups.problems(spec.cgroup?.resources ?? {}));
    const existing = this.#sandboxes.get(spec.id);
    if (existing !== undefined) return existing.namespaces();
    const sandbox = new Sandbox(spec, this.#context);
    await sandbox.create();
    this.#sandboxes.set(spec.id, sandbox);
    return sandbox.namespaces();
  }

  async #stopSandbox(id: string): Promise<Empty> {
    await this.#sandboxes.get(id)?.stop();
    return DONE;
  }

  async #removeSandbox(id: string): Promise<Empty> {
    for (const [containerId, container] of this.#containers) {
      if (container.spec.namespaces.sandboxId === id) {
        await this.#inOrder(containerId, () => this.#removeContainer(containerId));
      }
    }
    await this.#sandboxes.get(id)?.remove();
    this.#sandboxes.delete(id);
    return DONE;
  }

  async #removeAll(): Promise<Empty> {
    const containers = [...this.#containers.keys()];
    await Promise.all(containers.map((id) => this.#inOrder(id, () => this.#removeContainer(id))));
    const sandboxes = [...this.#sandboxes.keys()];
    await Promise.all(sandboxes.map((id) => this.#inOrder(id, () => this.#removeSandbox(id))));
    return DONE;
  }

  #createContainer(spec: ContainerSpec): Empty {
    refuse(containerProblems(spec));
    refuse(this.#context.cgroups.problems(spec.resources));
    if (this.#containers.has(spec.id)) return DONE;
    this.#sandbox(spec.namespaces.sandboxId);
    const container = new Container(
      spec,
      new ContainerFiles(this.#context.runDir, spec.id),
      this.#context,
    );
    container.create();
    this.#containers.set(spec.id, container);
    return DONE;
  }

  async #startContainer(id: string): Promise<Requests['startContainer']['result']> {
    const container = this.container(id);
    const { sandboxId, pid } = container.spec.namespaces;
    const target = pid.kind === 'target' ? this.container(pid.containerId).live().pid : undefined;
    return container.start(this.#sandbox(sandboxId).paths(), target);
  }

  async #removeContainer(id: string): Promise<Empty> {
    await this.#containers.get(id)?.remove();
    this.#containers.delete(id);
    return DONE;
  }

  #sandbox(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox !== undefined) return sandbox;
    throw new RequestError(`There is no sandbox ${id}`, { kind: 'not-found' });
  }

  /** Runs after every earlier change of the same id, whether that succeeded or not. */
  #inOrder<T>(id: string, change: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const result = before.then(change, change);
    const settled: Promise<void> = result.then(
      () => this.#forget(id, settled),
      () => this.#forget(id, settled),
    );
    this.#queues.set(id, settled);
    return result;
  }

  #forget(id: string, settled: Promise<void>): void {
    if (this.#queues.get(id) === settled) this.#queues.delete(id);
  }
}

function refuse(problems: readonly string[]): void {
  const [problem] = problems;
  if (problem !== undefined) throw new RequestError(problem, { kind: 'invalid' });
}
