/**
 * One container on the spawner's side: created, running, exited; its process, streams and records.
 * Every change of state is on disk before anyone is told.
 */

import { chownSync, closeSync, openSync } from 'node:fs';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Cgroups } from '../cgroup/cgroups.ts';
import type { CgroupResources } from '../cgroup/resources.ts';
import { readOomKills } from '../cgroup/stats.ts';
import { runChild } from '../container/child.ts';
import type { ContainerSpec, UserNamespace, UserSpec } from '../container/spec.ts';
import { pidfdOpen, pidfdSendSignal } from '../syscalls/libc.ts';
import { SIGKILL } from '../syscalls/linux.ts';
import { exitStatusOf } from '../syscalls/pidfd-exit.ts';
import { ContainerLog } from './container-log.ts';
import { ContainerStdio, openContainerEnds } from './container-stdio.ts';
import type { NanoClock } from './nano-clock.ts';
import { identify, isSameAndAlive, zombieStatus } from './process-identity.ts';
import type { ProcessSpawner, SpawnedProcess } from './process-spawner.ts';
import type { ContainerState, ProcessExit, SpawnerEvent, StartedContainer } from './protocol.ts';
import { decodeWaitStatus, type ExitStatus, KILLED_EXIT_CODE, UNKNOWN_EXIT } from './reaper.ts';
import { RequestError } from './request-error.ts';
import type { ContainerFiles, StartRecord } from './run-files.ts';
import { planStart, type SandboxPaths } from './start-plan.ts';

/** What every container of a spawner shares. */
export interface SpawnerContext {
  readonly runDir: string;
  readonly clock: Clock;
  readonly nanoClock: NanoClock;
  readonly logger: Logger;
  readonly cgroups: Cgroups;
  readonly spawner: ProcessSpawner;
  readonly emit: (event: SpawnerEvent) => void;
}

/** How often an adopted container is looked at: it is not our child, and its end is not told. */
const ADOPTED_POLL_MS = 100;
/** Reason of the kubelet's world: the process could not be started. */
const START_FAILED_EXIT_CODE = 128;

type Phase =
  | { readonly kind: 'created' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly live: LiveProcess; readonly started: StartedContainer }
  | { readonly kind: 'exited'; readonly started?: StartedContainer; readonly exit: ProcessExit };

interface LiveProcess {
  readonly pid: number;
  readonly pidfd: number;
  readonly stdio: ContainerStdio;
}

export class Container {
  readonly #context: SpawnerContext;
  readonly #files: ContainerFiles;
  #spec: ContainerSpec;
  readonly #ended = Promise.withResolvers<void>();
  #phase: Phase = { kind: 'created' };
  #oomKillsBeforeOurs = 0;

  constructor(spec: ContainerSpec, files: ContainerFiles, context: SpawnerContext) {
    this.#spec = spec;
    this.#files = files;
    this.#context = context;
  }

  get spec(): ContainerSpec {
    return this.#spec;
  }

  state(): ContainerState {
    const phase = this.#phase;
    return {
      containerId: this.spec.id,
      sandboxId: this.spec.namespaces.sandboxId,
      cgroupPath: this.spec.cgroupPath,
      state: phase.kind === 'starting' ? 'created' : phase.kind,
      ...('started' in phase && phase.started !== undefined && { started: phase.started }),
      ...('exit' in phase && { exit: phase.exit }),
    };
  }

  /** The process while it runs; throws `wrong-state` otherwise. */
  live(): LiveProcess {
    if (this.#phase.kind === 'running') return this.#phase.live;
    throw new RequestError(`Container ${this.spec.id} does not run`, { kind: 'wrong-state' });
  }

  /** Resolves when the container has exited and all its output was handed on. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Makes the cgroup and the records. Throws; nothing is left then. */
  create(): void {
    const { cgroups } = this.#context;
    cgroups.create(this.spec.cgroupPath, this.spec.resources);
    this.#files.make();
    this.#files.spec.write(this.spec);
    this.#context.emit({ kind: 'created', container: this.state() });
  }

  /** Runs the program. When that fails the container has exited with the code 128. */
  async start(sandbox: SandboxPaths, targetPid: number | undefined): Promise<StartedContainer> {
    if (this.#phase.kind !== 'created') {
      throw new RequestError(`Container ${this.spec.id} was started before`, {
        kind: 'wrong-state',
      });
    }
    this.#phase = { kind: 'starting' };
    try {
      const { process, stdio, record } = await this.#spawn(sandbox, targetPid);
      const started = { pid: process.pid, startedAtNs: record.startedAtNs };
      const live = { pid: process.pid, pidfd: process.pidfd, stdio };
      this.#phase = { kind: 'running', live, started };
      this.#context.emit({ kind: 'started', container: this.state() });
      void process.exit.then((status) => this.#onExit(live, started, status));
      return started;
    } catch (cause) {
      const exit = { exitCode: START_FAILED_EXIT_CODE, signal: 0 };
      this.#recordExit({ ...exit, isOomKilled: false, finishedAtNs: this.#now() }, undefined);
      if (cause instanceof RequestError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RequestError(reason, { kind: 'start-failed', cause });
    }
  }

  /** Takes over what an earlier spawner has left. */
  adopt(): void {
    const record = this.#files.start.read();
    const exit = this.#files.exit.read();
    if (exit !== undefined) {
      this.#phase = { kind: 'exited', exit, ...startedOf(record) };
      this.#ended.resolve();
    } else if (record === undefined) {
      // After a new start of the machine the cgroup is gone.
      this.#context.cgroups.create(this.spec.cgroupPath, this.spec.resources);
    } else if (isSameAndAlive(record)) this.#adoptRunning(record);
    else {
      this.#context.cgroups.killAll(this.spec.cgroupPath);
      const status = zombieStatus(record);
      const exit = this.#processExit(status === undefined ? undefined : decodeWaitStatus(status));
      this.#recordExit(exit, startedOf(record).started);
    }
  }

  signal(signal: number, isForAll: boolean): void {
    if (this.#phase.kind !== 'running') return;
    if (signal === SIGKILL) this.#noteOwnKill();
    if (isForAll && signal === SIGKILL) this.#context.cgroups.killAll(this.spec.cgroupPath);
    else if (isForAll) {
      for (const pid of this.#context.cgroups.pids(this.spec.cgroupPath)) trySignal(pid, signal);
    } else tryPidfd(this.#phase.live.pidfd, signal);
  }

  /** Also what it is given when its cgroup is made again. One that has exited is let be. */
  update(resources: CgroupResources): void {
    if (this.#phase.kind === 'exited') return;
    this.#context.cgroups.limit(this.spec.cgroupPath, resources);
    this.#spec = { ...this.#spec, resources: { ...this.#spec.resources, ...resources } };
    this.#files.spec.write(this.#spec);
  }

  /** Kills it when it runs, and removes all but the log and the layers. */
  async remove(): Promise<void> {
    if (this.#phase.kind === 'starting') {
      throw new RequestError(`Container ${this.spec.id} is being started`, { kind: 'wrong-state' });
    }
    if (this.#phase.kind === 'running') {
      this.#noteOwnKill();
      tryPidfd(this.#phase.live.pidfd, SIGKILL);
      this.#context.cgroups.killAll(this.spec.cgroupPath);
      await this.#ended.promise;
    }
    await this.#context.cgroups.remove(this.spec.cgroupPath);
    this.#files.remove();
    this.#context.emit({ kind: 'removed', container: this.state() });
  }

  async #spawn(
    sandbox: SandboxPaths,
    targetPid: number | undefined,
  ): Promise<{ process: SpawnedProcess; stdio: ContainerStdio; record: StartRecord }> {
    const { spec } = this;
    const { cgroups, spawner } = this.#context;
    const fds = new Set<number>();
    const keep = (fd: number): number => {
      fds.add(fd);
      return fd;
    };
    // Before the pipes are read to their end: as long as one of ours is open they have none.
    const closeAll = (): void => {
      for (const fd of fds) closeSync(fd);
      fds.clear();
    };
    let stdio: ContainerStdio | undefined;
    let log: ContainerLog | undefined;
    let record: StartRecord | undefined;
    try {
      log = this.#openLog();
      const plan = planStart({ spec, sandbox, layout: cgroups.layout });
      cgroups.limitDevices(spec.cgroupPath, plan.deviceRules);
      const open = (file: string): number => keep(openSync(file, 'r'));
      const namespaces = plan.namespaces.map(({ file, flags }) => ({ fd: open(file), flags }));
      const sandboxPid = spec.namespaces.pid.kind === 'pod' ? sandbox.pid : undefined;
      const user = plan.user && { fd: open(plan.user.file), flags: plan.user.flags };
      const owner = hostIds(spec.namespaces.user, spec.process.user);
      if (spec.namespaces.user !== undefined) {
        const root = hostIds(spec.namespaces.user, { uid: 0, gid: 0 });
        for (const folder of [spec.rootfs.upper, spec.rootfs.work]) {
          chownSync(folder, root.uid, root.gid);
        }
      }
      const ends = spec.stdio.isTty ? undefined : openContainerEnds(this.#files, spec.stdio, owner);
      for (const fd of ends ?? []) keep(fd);
      if (ends !== undefined) stdio = ContainerStdio.ofPipes(this.#files, spec.stdio, log);
      const pidFile = targetPid === undefined ? sandboxPid : `/proc/${targetPid}/ns/pid`;
      const process = await spawner.spawn({
        namespaceFlags: plan.cloneFlags,
        ...(pidFile !== undefined && { pidNamespace: open(pidFile) }),
        run: (pipes) =>
          runChild({
            ...pipes,
            ...(ends !== undefined && { stdio: ends }),
            namespaces,
            ...(user !== undefined && { user }),
            rootfs: { rootfs: spec.rootfs, mountPoint: this.#files.rootfs, steps: plan.mounts },
            process: spec.process,
            grantable: user === undefined ? spawner.capabilities : spawner.allCapabilities,
          }),
        // Late, so that the copies of the spawner's pages are not counted against the container.
        onReady: (pid) => {
          cgroups.join(spec.cgroupPath, pid);
          record = { ...identify(pid), startedAtNs: this.#now() };
          this.#files.start.write(record);
        },
      });
      if (process.terminal !== undefined) stdio = ContainerStdio.ofTerminal(process.terminal, log);
      if (stdio === undefined || record === undefined) throw new Error('It was never ready');
      return { process, stdio, record };
    } catch (error) {
      closeAll();
      if (stdio === undefined) log?.close();
      else await stdio.finish(this.#context.clock);
      throw error;
    } finally {
      closeAll();
    }
  }

  #openLog(): ContainerLog | undefined {
    const { logPath } = this.spec.stdio;
    if (logPath === undefined) return undefined;
    return new ContainerLog(logPath, this.#context.nanoClock, this.#context.logger);
  }

  #adoptRunning(record: StartRecord): void {
    const started = { pid: record.pid, startedAtNs: record.startedAtNs };
    const stdio = ContainerStdio.ofPipes(this.#files, this.spec.stdio, this.#openLog());
    const live = { pid: record.pid, pidfd: pidfdOpen(record.pid), stdio };
    this.#phase = { kind: 'running', live, started };
    void this.#watchAdopted(record, live, started);
  }

  async #watchAdopted(
    record: StartRecord,
    live: LiveProcess,
    started: StartedContainer,
  ): Promise<void> {
    const { clock } = this.#context;
    while (isSameAndAlive(record)) await clock.after(ADOPTED_POLL_MS);
    // Its parent may be quick to reap it: the kernel tells then, if it is new enough.
    const status = zombieStatus(record) ?? exitStatusOf(live.pidfd);
    await this.#onExit(live, started, status === undefined ? undefined : decodeWaitStatus(status));
  }

  /** `status`: undefined when nobody tells it. */
  async #onExit(
    live: LiveProcess,
    started: StartedContainer,
    status: ExitStatus | undefined,
  ): Promise<void> {
    // With a PID namespace of its own nothing is left; else what it started ends with it.
    this.#context.cgroups.killAll(this.spec.cgroupPath);
    const exit = this.#processExit(status);
    this.#writeExit(exit);
    closeSync(live.pidfd);
    await live.stdio.finish(this.#context.clock);
    this.#recordExit(exit, started);
  }

  #recordExit(exit: ProcessExit, started: StartedContainer | undefined): void {
    this.#writeExit(exit);
    this.#phase = { kind: 'exited', exit, ...(started !== undefined && { started }) };
    this.#ended.resolve();
    this.#context.emit({ kind: 'exited', container: this.state() });
  }

  /** On a full disk the exit is known as long as this process lives, and unknown to the next. */
  #writeExit(exit: ProcessExit): void {
    try {
      this.#files.exit.write(exit);
    } catch (error) {
      this.#context.logger.error('Lost an exit record', { container: this.spec.id, error });
    }
  }

  #processExit(status: ExitStatus | undefined): ProcessExit {
    const finishedAtNs = this.#now();
    if (status === undefined) {
      return { ...UNKNOWN_EXIT, isOomKilled: false, finishedAtNs, isUnknown: true };
    }
    const isOom = this.#oomKills() > this.#oomKillsBeforeOurs;
    return { ...status, isOomKilled: isOom && status.exitCode === KILLED_EXIT_CODE, finishedAtNs };
  }

  /** A SIGKILL of ours is none of the kernel's, also when that has killed something there before. */
  #noteOwnKill(): void {
    this.#oomKillsBeforeOurs = this.#oomKills();
  }

  #oomKills(): number {
    return readOomKills(this.#context.cgroups.layout, this.spec.cgroupPath);
  }

  #now(): string {
    return this.#context.nanoClock.now().toString();
  }
}

/** Ids as the node numbers them. */
function hostIds(
  user: UserNamespace | undefined,
  { uid, gid }: Pick<UserSpec, 'uid' | 'gid'>,
): Pick<UserSpec, 'uid' | 'gid'> {
  return user === undefined
    ? { uid, gid }
    : { uid: user.uids.hostId + uid, gid: user.gids.hostId + gid };
}

function startedOf(record: StartRecord | undefined): { readonly started?: StartedContainer } {
  if (record === undefined) return {};
  return { started: { pid: record.pid, startedAtNs: record.startedAtNs } };
}

function tryPidfd(pidfd: number, signal: number): void {
  try {
    pidfdSendSignal(pidfd, signal);
  } catch {
    // It has ended by itself.
  }
}

function trySignal(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
