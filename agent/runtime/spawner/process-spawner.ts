/**
 * Starts processes by cloning this one, and tells apart the three ends a start can have: the program
 * runs; the child gave up and said why; the child died of being a clone before it did anything, and
 * another one is made.
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { parseBoundingSet } from '../container/capabilities.ts';
import { parseChildLine } from '../container/child-report.ts';
import { cloneProcess } from '../syscalls/clone-process.ts';
import { exitNow, pidfdGetfd, pidfdOpen, pidfdSendSignal, pipe2, setns } from '../syscalls/libc.ts';
import { CLONE_NEWPID, O_CLOEXEC, SIGKILL } from '../syscalls/linux.ts';
import { MemoryForClone } from '../syscalls/memory-for-clone.ts';
import { LineReader } from './line-reader.ts';
import type { ExitStatus, Reaper } from './reaper.ts';
import { RequestError } from './request-error.ts';

/** Of which more than the first is needed about once in ten thousand starts. */
const CLONES_MAX = 5;
/** Everything a child does takes milliseconds; only a hung file system takes longer. */
const START_TIMEOUT_MS = 30_000;
/** A path and an error text at most. */
const REPORT_LINE_BYTES_MAX = 64 * 1024;
const GO = Buffer.from('g');
const FAILED_STATUS = 127;
/** Each takes a few MiB of copied pages until its program runs; more at once would only wait longer. */
const STARTS_AT_ONCE_MAX = 16;

/** The pipes of a child, for {@link ChildJob}. */
export interface ChildPipes {
  readonly report: number;
  readonly go: number;
  readonly goWriter: number;
}

export interface SpawnRequest {
  /** CLONE_NEW… */
  readonly namespaceFlags: number;
  /** An fd of the PID namespace the child is to be in; absent: as the flags say. */
  readonly pidNamespace?: number;
  /** What the child does; it must not return. */
  readonly run: (pipes: ChildPipes) => never;
  /**
   * Called when the child waits to become its program: it is put into its cgroups here, and what must
   * be known before the program runs is written down. When it throws, the start fails.
   */
  readonly onReady?: (pid: number) => void;
}

export interface SpawnedProcess {
  readonly pid: number;
  /** Closed by the caller. */
  readonly pidfd: number;
  readonly exit: Promise<ExitStatus>;
  /** The master of the pseudo-terminal, when the child made one; closed by the caller. */
  readonly terminal?: number;
}

type Outcome =
  | { readonly kind: 'started'; readonly process: SpawnedProcess }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'crashed'; readonly status: ExitStatus };

export class ProcessSpawner {
  readonly #memory = new MemoryForClone();
  readonly #ownPidNamespace = openSync('/proc/self/ns/pid', 'r');
  readonly #reaper: Reaper;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Starts under way and waiting. */
  #starting = 0;
  readonly #waiting: (() => void)[] = [];
  /** What this process has, and so can give. */
  readonly capabilities = parseBoundingSet(readFileSync('/proc/self/status', 'utf8'));
  /** All that the kernel knows: the root of a user namespace has them there. */
  readonly allCapabilities = Array.from(
    { length: Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1 },
    (_, number) => number,
  );

  constructor(reaper: Reaper, clock: Clock, logger: Logger) {
    this.#reaper = reaper;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Rejects with a RequestError of the kind `start-failed`; nothing is left of the process then. */
  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    await this.#enter();
    try {
      return await this.#spawn(request);
    } finally {
      this.#leave();
    }
  }

  /** Waits until fewer than the most are being started, in the order of asking. */
  async #enter(): Promise<void> {
    this.#starting += 1;
    if (this.#starting <= STARTS_AT_ONCE_MAX) return;
    const turn = Promise.withResolvers<void>();
    this.#waiting.push(turn.resolve);
    await turn.promise;
  }

  #leave(): void {
    this.#starting -= 1;
    this.#waiting.shift()?.();
  }

  async #spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    for (let attempt = 1; attempt <= CLONES_MAX; attempt += 1) {
      const outcome = await this.#tryOnce(request);
      if (outcome.kind === 'started') return outcome.process;
      if (outcome.kind === 'failed') {
        throw new RequestError(outcome.message, { kind: 'start-failed' });
      }
      this.#logger.warn('Cloned again', { attempt, ...outcome.status });
    }
    throw new RequestError(`The process died ${CLONES_MAX} times before its program ran`, {
      kind: 'start-failed',
    });
  }

  /** Forgets a child that ends by itself and whose end is of no interest. */
  release(child: SpawnedProcess): void {
    closeSync(child.pidfd);
  }

  async #tryOnce(request: SpawnRequest): Promise<Outcome> {
    const [reportReader, report] = pipe2(O_CLOEXEC);
    const [go, goWriter] = pipe2(O_CLOEXEC);
    const pid = this.#clone(request, { report, go, goWriter });
    const seen: Seen = { isExecuting: false, child: this.#child(pid) };
    closeSync(report);
    closeSync(go);
    const kill = this.#clock.schedule(START_TIMEOUT_MS, () => tryKill(seen.child.pidfd));
    await this.#followReport(reportReader, request, goWriter, seen);
    kill();
    closeSync(goWriter);
    const { child, terminal } = seen;
    if (seen.isExecuting && seen.failure === undefined) {
      return {
        kind: 'started',
        process: { ...child, ...(terminal !== undefined && { terminal }) },
      };
    }
    tryKill(child.pidfd);
    const status = await child.exit;
    closeSync(child.pidfd);
    if (seen.terminal !== undefined) closeSync(seen.terminal);
    return seen.failure === undefined
      ? { kind: 'crashed', status }
      : { kind: 'failed', message: seen.failure };
  }

  #child(pid: number): Child {
    return { pid, exit: this.#reaper.waitFor(pid), pidfd: pidfdOpen(pid) };
  }

  /** Returns in the parent only. */
  #clone(request: SpawnRequest, pipes: ChildPipes): number {
    if (request.pidNamespace !== undefined) setns(request.pidNamespace, CLONE_NEWPID);
    const pid = cloneProcess(this.#memory, request.namespaceFlags);
    if (pid === 0) {
      try {
        request.run(pipes);
      } finally {
        // Whatever happens in the child, it never becomes a second spawner.
        exitNow(FAILED_STATUS);
      }
    }
    if (request.pidNamespace !== undefined) setns(this.#ownPidNamespace, CLONE_NEWPID);
    return pid;
  }

  /** Reads the report to its end, and answers it. */
  async #followReport(
    reader: number,
    request: SpawnRequest,
    goWriter: number,
    seen: Seen,
  ): Promise<void> {
    const lines = new LineReader(REPORT_LINE_BYTES_MAX);
    const socket = new net.Socket({ fd: reader, readable: true, writable: false });
    try {
      for await (const chunk of socket) {
        lines.push(chunk);
        for (let text = lines.next(); text !== undefined; text = lines.next()) {
          const line = parseChildLine(text);
          switch (line.kind) {
            case 'failed':
              seen.failure = line.message;
              break;
            case 'exec':
              seen.isExecuting = true;
              break;
            case 'terminal':
              seen.terminal = pidfdGetfd(seen.child.pidfd, line.fd);
              answer(goWriter);
              break;
            case 'sibling':
              // One that has died meanwhile is not waited for: the report ends, and it is tried again.
              if (parentOf(line.pid) !== process.pid) break;
              closeSync(seen.child.pidfd);
              seen.child = this.#child(line.pid);
              answer(goWriter);
              break;
            case 'ready':
              request.onReady?.(seen.child.pid);
              answer(goWriter);
              break;
          }
        }
      }
    } catch (error) {
      seen.failure ??= error instanceof Error ? error.message : String(error);
    }
  }
}

interface Child {
  readonly pid: number;
  readonly pidfd: number;
  readonly exit: Promise<ExitStatus>;
}

/** What a child has reported. */
interface Seen {
  /** The one that becomes the program. */
  child: Child;
  isExecuting: boolean;
  failure?: string;
  terminal?: number;
}

/** Undefined when there is no such process. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function answer(goWriter: number): void {
  try {
    writeSync(goWriter, GO);
  } catch {
    // It has died: the end of its report tells.
  }
}

function tryKill(pidfd: number): void {
  try {
    pidfdSendSignal(pidfd, SIGKILL);
  } catch {
    // It has ended by itself.
  }
}
