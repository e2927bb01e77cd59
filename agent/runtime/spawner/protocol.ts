/**
 * What the CRI server and the spawner say to each other over the Unix socket `RUN-DIR/spawner.sock`.
 *
 * A connection starts in lines: one JSON object a line, at most {@link LINE_BYTES_MAX}. The client
 * sends {@link RequestLine}s, the spawner answers each with a {@link ResponseLine} of the same id, in
 * any order. After `subscribe` the spawner also sends {@link EventLine}s. `exec` and `attach` must be
 * the only request of their connection: after the answer both sides switch to frames (frames.ts).
 *
 * Ids of sandboxes and containers are chosen by the client. All requests but `exec`, `attach` and
 * `startContainer` may be repeated: done again, they find it done.
 */

import type { CgroupResources } from '../cgroup/resources.ts';
import type { ContainerSpec, ProcessSpec, SandboxSpec } from '../container/spec.ts';

/** Raised when a message changes its meaning; a spawner outlives the program that started it. */
export const PROTOCOL_VERSION = 2;

export const SOCKET_NAME = 'spawner.sock';

/** A spec with the environment of a large pod fits; the kernel takes 2 MiB of arguments at most. */
export const LINE_BYTES_MAX = 4 * 1024 * 1024;

export type Empty = Readonly<Record<string, never>>;

/** Every request, with what it carries and what it is answered with. */
export interface Requests {
  readonly version: { readonly params: Empty; readonly result: SpawnerVersion };
  /** Makes and pins the namespaces. */
  readonly createSandbox: { readonly params: SandboxSpec; readonly result: SandboxNamespaces };
  /**
   * Lets the network namespace go: once its last process has ended the kernel takes it apart, with its
   * devices and their other ends. No container may be started in the sandbox any more. An unknown id is
   * done already.
   */
  readonly stopSandbox: { readonly params: SandboxRef; readonly result: Empty };
  /** Kills what still runs in it, unpins, removes the cgroup. An unknown id is done already. */
  readonly removeSandbox: { readonly params: SandboxRef; readonly result: Empty };
  readonly listSandboxes: { readonly params: Empty; readonly result: readonly SandboxNamespaces[] };
  /** Checks the spec, makes the cgroup and remembers all durably. Nothing runs. */
  readonly createContainer: { readonly params: ContainerSpec; readonly result: Empty };
  /** Returns once the program runs; fails with the kind `start-failed` and the reason otherwise. */
  readonly startContainer: { readonly params: ContainerRef; readonly result: StartedContainer };
  /** One that does not run is let be. */
  readonly signalContainer: { readonly params: SignalRequest; readonly result: Empty };
  /** Kills it when it runs; takes its cgroup and state away, not its log, upper and work folder. */
  readonly removeContainer: { readonly params: ContainerRef; readonly result: Empty };
  readonly listContainers: { readonly params: Empty; readonly result: readonly ContainerState[] };
  readonly updateContainer: { readonly params: UpdateRequest; readonly result: Empty };
  /** Fails when it does not run, and makes no file then. */
  readonly reopenLog: { readonly params: ContainerRef; readonly result: Empty };
  readonly exec: { readonly params: ExecRequest; readonly result: ExecStarted };
  readonly attach: { readonly params: AttachRequest; readonly result: Empty };
  /** The state of all containers now, and from here on an event for each change. */
  readonly subscribe: { readonly params: Empty; readonly result: readonly ContainerState[] };
  /** Kills every container, takes everything away, and ends. Answered when all that is done. */
  readonly shutdown: { readonly params: Empty; readonly result: Empty };
}

export type Method = keyof Requests;

export interface SpawnerVersion {
  readonly protocol: number;
  readonly pid: number;
}

export interface SandboxRef {
  readonly sandboxId: string;
}

export interface ContainerRef {
  readonly containerId: string;
}

/** Paths on which `setns` works (also `nsenter --net=PATH`); absent where the node's are used. */
export interface SandboxNamespaces {
  readonly sandboxId: string;
  readonly net?: string;
  readonly ipc?: string;
  readonly uts?: string;
}

export interface StartedContainer {
  /** As the spawner sees it. */
  readonly pid: number;
  readonly startedAtNs: string;
}

export interface SignalRequest extends ContainerRef {
  /** As the kernel numbers it on this machine. */
  readonly signal: number;
  /** Every process of the container, and not its first only. */
  readonly isForAll?: boolean;
}

export interface UpdateRequest extends ContainerRef {
  /** What is absent stays as it is. */
  readonly resources: CgroupResources;
}

export interface ExecRequest extends ContainerRef {
  readonly process: ProcessSpec;
  readonly isTty: boolean;
  readonly isStdinOpen: boolean;
  /** Of its terminal, from the start; absent: 0 by 0. */
  readonly terminalSize?: TerminalSize;
  /** The process is killed after this time, and `isTimedOut` is set in its exit. Absent: no limit. */
  readonly timeoutMs?: number;
}

export interface ExecStarted {
  readonly pid: number;
}

export interface AttachRequest extends ContainerRef {
  readonly isStdinWanted: boolean;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** How a process ended. */
export interface ProcessExit {
  /** 128 + the signal when a signal ended it; 255 when nobody saw the end. */
  readonly exitCode: number;
  /** 0 when it ended by itself. */
  readonly signal: number;
  /** The kernel killed something in its cgroup for want of memory, and it died of SIGKILL. */
  readonly isOomKilled: boolean;
  /** Nanoseconds since the epoch, decimal. */
  readonly finishedAtNs: string;
  /** Of an `exec` with a time limit. */
  readonly isTimedOut?: boolean;
  /** The end was not seen: it fell into a time without a spawner. */
  readonly isUnknown?: boolean;
}

export interface ContainerState {
  readonly containerId: string;
  readonly sandboxId: string;
  readonly state: 'created' | 'running' | 'exited';
  /** Present from `running` on. */
  readonly started?: StartedContainer;
  /** Present in `exited`. */
  readonly exit?: ProcessExit;
  readonly cgroupPath: string;
}

/** Pushed after `subscribe`; the state after the change. `removed` is the last one of an id. */
export interface SpawnerEvent {
  readonly kind: 'created' | 'started' | 'exited' | 'removed';
  readonly container: ContainerState;
}

export type FailureKind =
  /** No sandbox or container of that id. */
  | 'not-found'
  /** The state does not allow it: it does not run, it was started before, … */
  | 'wrong-state'
  /** The spec is wrong, or asks for what is not implemented. */
  | 'invalid'
  /** The program could not be started; the message says the step and the reason. */
  | 'start-failed'
  | 'internal';

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
}

export interface RequestLine {
  readonly id: number;
  readonly method: Method;
  readonly params: Requests[Method]['params'];
}

export type ResponseLine =
  | { readonly id: number; readonly result: Requests[Method]['result'] }
  | { readonly id: number; readonly failure: Failure };

export interface EventLine {
  readonly event: SpawnerEvent;
}
