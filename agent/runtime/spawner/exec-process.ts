/**
 * One more process in a running container, tied to the connection that asked for it: its streams go over
 * the connection, and when the connection ends first, the process is killed.
 */

import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import type { Writable } from 'node:stream';
import tty from 'node:tty';
import { runChild } from '../container/child.ts';
import { resizeTerminal } from '../container/terminal.ts';
import { pidfdSendSignal, pipe2 } from '../syscalls/libc.ts';
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  O_CLOEXEC,
  SIGKILL,
} from '../syscalls/linux.ts';
import type { Container, SpawnerContext } from './container.ts';
import { ProcessOutput } from './process-output.ts';
import type { SpawnedProcess } from './process-spawner.ts';
import type { ExecRequest, ProcessExit, TerminalSize } from './protocol.ts';

/** How long output is waited for after the process has ended: what it started may hold it open. */
const FINISH_TIMEOUT_MS = 1_000;

const ALL_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS;

export class ExecProcess {
  readonly pid: number;
  readonly output: ProcessOutput;
  readonly stdin: Writable | undefined;
  readonly #context: SpawnerContext;
  readonly #process: SpawnedProcess;
  readonly #terminal: tty.ReadStream | undefined;
  #isTimedOut = false;
  #hasEnded = false;

  /** Rejects with a RequestError when it cannot be started. */
  static async start(
    request: ExecRequest,
    container: Container,
    context: SpawnerContext,
  ): Promise<ExecProcess> {
    const { pid, pidfd } = container.live();
    const isMapped = container.spec.namespaces.user !== undefined;
    const opened: number[] = [];
    const ours: number[] = [];
    const keep = (fd: number): number => {
      opened.push(fd);
      return fd;
    };
    try {
      const ends = request.isTty ? undefined : openEnds(request.isStdinOpen, keep, ours);
      const spawned = await context.spawner.spawn({
        namespaceFlags: 0,
        pidNamespace: keep(openSync(`/proc/${pid}/ns/pid`, 'r')),
        run: (pipes) =>
          runChild({
            ...pipes,
            ...(ends !== undefined && { stdio: ends }),
            ...(request.terminalSize !== undefined && { terminalSize: request.terminalSize }),
            namespaces: [{ fd: pidfd, flags: ALL_NAMESPACES | (isMapped ? CLONE_NEWUSER : 0) }],
            process: request.process,
            grantable: isMapped ? context.spawner.allCapabilities : context.spawner.capabilities,
          }),
        onReady: (pid) => context.cgroups.join(container.spec.cgroupPath, pid),
      });
      return new ExecProcess(request, spawned, ours, context);
    } catch (error) {
      for (const fd of ours) closeSync(fd);
      throw error;
    } finally {
      for (const fd of opened) closeSync(fd);
    }
  }

  private constructor(
    request: ExecRequest,
    spawned: SpawnedProcess,
    ours: readonly number[],
    context: SpawnerContext,
  ) {
    this.#context = context;
    this.#process = spawned;
    this.pid = spawned.pid;
    const [stdout = -1, stderr = -1, stdin] = ours;
    if (spawned.terminal !== undefined) {
      this.#terminal = new tty.ReadStream(spawned.terminal);
      this.output = new ProcessOutput([this.#terminal]);
      this.stdin = this.#terminal;
    } else {
      const reader = (fd: number) => new net.Socket({ fd, readable: true, writable: false });
      this.output = new ProcessOutput([reader(stdout), reader(stderr)]);
      if (request.isStdinOpen && stdin !== undefined) {
        this.stdin = new net.Socket({ fd: stdin, readable: false, writable: true });
      }
    }
    this.stdin?.on('error', () => undefined); // It has closed its standard input.
  }

  /** Resolves when it has ended and all its output was handed on. */
  async wait(timeoutMs: number | undefined): Promise<ProcessExit> {
    const { clock, nanoClock } = this.#context;
    const onTimeout = (): void => {
      this.#isTimedOut = true;
      this.kill();
    };
    const cancel = timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, onTimeout);
    const status = await this.#process.exit;
    const finishedAtNs = nanoClock.now().toString();
    this.#hasEnded = true;
    cancel?.();
    closeSync(this.#process.pidfd);
    await this.output.finish(clock, FINISH_TIMEOUT_MS);
    this.stdin?.destroy();
    const exit = { ...status, isOomKilled: false, finishedAtNs };
    return this.#isTimedOut ? { ...exit, isTimedOut: true } : exit;
  }

  kill(): void {
    if (!this.#hasEnded) pidfdSendSignal(this.#process.pidfd, SIGKILL);
  }

  resize(size: TerminalSize): void {
    const master = this.#process.terminal;
    if (this.#terminal?.destroyed === false && master !== undefined) resizeTerminal(master, size);
  }
}

/** The process' ends are kept by `keep`, ours are added to `ours`: stdout, stderr, stdin. */
function openEnds(
  isStdinOpen: boolean,
  keep: (fd: number) => number,
  ours: number[],
): readonly [stdin: number, stdout: number, stderr: number] {
  const [outReader, outWriter] = pipe2(O_CLOEXEC);
  const [errReader, errWriter] = pipe2(O_CLOEXEC);
  ours.push(outReader, errReader);
  keep(outWriter);
  keep(errWriter);
  if (!isStdinOpen) return [keep(openSync('/dev/null', 'r')), outWriter, errWriter];
  const [inReader, inWriter] = pipe2(O_CLOEXEC);
  ours.push(inWriter);
  return [keep(inReader), outWriter, errWriter];
}
