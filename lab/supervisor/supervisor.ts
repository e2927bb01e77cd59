/**
 * Keeps the components of a lab running: starts each, and starts it again when it ends. One process
 * a lab, which outlives the `skiff up` that started it. Containers are not its children: they live
 * under their node's spawner.
 *
 * It writes who runs as which process to `processes.json` at every change. A supervisor that was
 * killed is replaced by the next `skiff up`; the new one first ends what the old one had started.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { commandLine, type ProcessSpec } from '../cluster/process-plan.ts';
import { startTimeOf } from '../proc.ts';
import { decideRestart } from './restart-policy.ts';

/** What `processes.json` says of one component. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells this process from a later one with its number. */
  readonly startTime: string;
  /** How often it was started again. */
  readonly restarts: number;
}

export interface SupervisorState {
  readonly pid: number;
  readonly startTime: string;
  readonly processes: readonly RunningProcess[];
}

/** A log that has grown beyond this is started anew when its component starts. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** How long components have to end after SIGTERM before they are killed. */
const STOP_MS = 5_000;

export class Supervisor {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger };
  readonly #options: {
    readonly processes: readonly ProcessSpec[];
    readonly logDir: string;
    readonly stateFile: string;
    readonly env: NodeJS.ProcessEnv;
  };
  readonly #running = new Map<string, RunningProcess>();

  constructor(
    deps: { readonly clock: Clock; readonly logger: Logger },
    options: {
      readonly processes: readonly ProcessSpec[];
      readonly logDir: string;
      readonly stateFile: string;
      readonly env: NodeJS.ProcessEnv;
    },
  ) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Runs all components until the signal is aborted; returns when all have ended. */
  async run(signal: AbortSignal): Promise<void> {
    mkdirSync(this.#options.logDir, { recursive: true, mode: 0o700 });
    await Promise.all(this.#options.processes.map((spec) => this.#keep(spec, signal)));
    this.#save();
  }

  async #keep(spec: ProcessSpec, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#deps;
    let failures = 0;
    for (let restarts = 0; !signal.aborted; restarts += 1) {
      const startedMs = clock.monotonicMs();
      const child = this.#start(spec, restarts);
      const ended = await this.#whenEnded(child, signal);
      this.#running.delete(spec.name);
      if (signal.aborted) return;
      const decision = decideRestart(clock.monotonicMs() - startedMs, failures);
      failures = decision.failures;
      logger.warn('Component ended', { name: spec.name, ...ended, delayMs: decision.delayMs });
      await clock.after(decision.delayMs, signal);
    }
  }

  #start(spec: ProcessSpec, restarts: number): ChildProcess {
    const [command = '', ...args] = commandLine(spec);
    const log = openLog(path.join(this.#options.logDir, `${spec.name.replace('/', '-')}.log`));
    // A session of its own: a Ctrl-C in the terminal of `skiff up` is not for it.
    const child = spawn(command, args, {
      stdio: ['ignore', log, log],
      detached: true,
      env: this.#options.env,
      cwd: '/',
    });
    closeSync(log);
    if (child.pid !== undefined) {
      const startTime = startTimeOf(child.pid) ?? '';
      this.#running.set(spec.name, { name: spec.name, pid: child.pid, startTime, restarts });
    }
    this.#save();
    return child;
  }

  /** Resolves when the process has ended; after an abort it is told to, and at last made to. */
  async #whenEnded(
    child: ChildProcess,
    signal: AbortSignal,
  ): Promise<{ readonly code: number | null; readonly killedBy: NodeJS.Signals | null }> {
    const ended = new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>(
      (resolve) => {
        child.once('error', (error) => {
          this.#deps.logger.error('Could not start a component', { error });
          resolve({ code: null, killedBy: null });
        });
        child.once('exit', (code, killedBy) => resolve({ code, killedBy }));
      },
    );
    let cancel = (): void => undefined;
    const stop = (): void => {
      child.kill('SIGTERM');
      cancel = this.#deps.clock.schedule(STOP_MS, () => void child.kill('SIGKILL'));
    };
    signal.addEventListener('abort', stop, { once: true });
    const result = await ended;
    signal.removeEventListener('abort', stop);
    cancel();
    return result;
  }

  #save(): void {
    const state: SupervisorState = {
      pid: process.pid,
      startTime: startTimeOf(process.pid) ?? '',
      processes: [...this.#running.values()],
    };
    const file = this.#options.stateFile;
    writeFileSync(`${file}.new`, JSON.stringify(state, undefined, 1), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, size > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
}
