/**
 * A handle on the thread of one policy. The thread has a heap limit of its own and a deadline for
 * everything it is asked; one that throws, is late, or takes too much memory is ended. All that is
 * asked of it then rejects with a {@link PolicyStopped} that says why. The scheduler's thread never
 * waits for it.
 */

import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { Status } from '../../framework/status.ts';
import type {
  BindingPoint,
  ClusterChange,
  FromWorker,
  PermitMessage,
  PolicyFacts,
  ToWorker,
  WorkerOutcome,
  WorkerStart,
} from './messages.ts';

export interface WorkerLimits {
  /** To load the file. */
  readonly startMs: number;
  /** For one decision, or one call of a plugin. */
  readonly answerMs: number;
  readonly heapMebibytes: number;
  /** Of buffers outside the heap. */
  readonly externalMebibytes: number;
}

/**
 * A decision over 5,000 nodes takes milliseconds: one of seconds doesn't end. The heap holds a copy of
 * the cluster: 5,000 nodes and 50,000 pods take about half of it.
 */
export const WORKER_LIMITS: WorkerLimits = {
  startMs: 15_000,
  answerMs: 3_000,
  heapMebibytes: 768,
  externalMebibytes: 256,
};
const MIB = 1024 * 1024;
/** Lines that a policy may print; the rest is dropped, so that a chatty one can't fill the disk. */
const LINES_MAX = 500;

/** The thread has ended, or never began; the message says why. */
export class PolicyStopped extends Error {
  override readonly name = 'PolicyStopped';
  /** The file itself is wrong: starting it again changes nothing. */
  readonly isBroken: boolean;

  constructor(message: string, isBroken = false) {
    super(message);
    this.isBroken = isBroken;
  }
}

export interface PolicyWorkerOptions {
  readonly file: string;
  readonly seed: number;
  readonly limits: WorkerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPermit: (message: PermitMessage) => void;
}

interface Call {
  readonly resolve: (message: FromWorker) => void;
  readonly reject: (error: PolicyStopped) => void;
  readonly cancel: () => void;
}

/** `stop` it in the end. */
export class PolicyWorker {
  /** Resolves with what the policy is; rejects with a {@link PolicyStopped}. */
  readonly ready: Promise<PolicyFacts>;
  /** Resolves when the thread is gone, with the reason. */
  readonly ended: Promise<PolicyStopped>;
  readonly #options: PolicyWorkerOptions;
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #lines = 0;
  #stopped: PolicyStopped | undefined;

  constructor(options: PolicyWorkerOptions) {
    this.#options = options;
    const { file, seed, limits } = options;
    const start: WorkerStart = { file, seed, externalBytesMax: limits.externalMebibytes * MIB };
    this.#worker = new Worker(new URL('main.ts', import.meta.url), {
      workerData: start,
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMebibytes, stackSizeMb: 4 },
    });
    const ended = Promise.withResolvers<PolicyStopped>();
    this.ended = ended.promise;
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('error', (error) => this.#end(crashText(error, limits)));
    this.#worker.on('exit', (code) => {
      this.#end(`it ended its thread (code ${code})`);
      ended.resolve(this.#stopped ?? new PolicyStopped('it ended'));
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#print(text));
    }
    this.ready = this.#ask(0, limits.startMs, 'to load').then((message) => {
      if (message.kind === 'ready') return message.policy;
      throw new PolicyStopped('it gave no answer that is known');
    });
    // Who doesn't wait for it learns it from `ended`.
    this.ready.catch(() => undefined);
  }

  get isAlive(): boolean {
    return this.#stopped === undefined;
  }

  /** `volumeNodes`: where its volumes can be had. Rejects with a {@link PolicyStopped}. */
  async decide(pod: Pod, volumeNodes?: readonly string[]): Promise<WorkerOutcome> {
    const id = this.#newId();
    const answer = this.#ask(id, this.#options.limits.answerMs, 'for a decision');
    this.#post({ kind: 'decide', id, pod, ...(volumeNodes && { volumeNodes }) });
    const message = await answer;
    if (message.kind === 'decided') return message.outcome;
    throw new PolicyStopped('it gave no answer that is known');
  }

  /** Rejects with a {@link PolicyStopped}. */
  async call(plugin: string, point: BindingPoint, uid: string): Promise<Status | undefined> {
    const id = this.#newId();
    const answer = this.#ask(id, this.#options.limits.answerMs, `in ${point} of "${plugin}"`);
    this.#post({ kind: 'call', id, plugin, point, uid });
    const message = await answer;
    return message.kind === 'returned' ? message.status : undefined;
  }

  /** The pod is bound, or its reservation is taken back. */
  over(point: 'unreserve' | 'postBind', uid: string): void {
    this.#post({ kind: 'over', point, uid });
  }

  send(changes: readonly ClusterChange[]): void {
    this.#post({ kind: 'cluster', changes });
  }

  /** Ends the thread at whatever it is; resolves when it is gone. */
  async stop(why: string): Promise<void> {
    this.#end(why);
    await this.ended;
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #post(message: ToWorker): void {
    if (this.#stopped === undefined) this.#worker.postMessage(message);
  }

  #ask(id: number, ms: number, what: string): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) {
        reject(this.#stopped);
        return;
      }
      const late = (): void => this.#end(`it took longer than ${ms / 1000} s ${what}`);
      // An answer that has come while this thread was busy is looked at first.
      const cancel = this.#options.clock.schedule(ms, () => {
        setImmediate(() => {
          if (this.#calls.has(id)) late();
        });
      });
      this.#calls.set(id, { resolve, reject, cancel });
    });
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#answer(0, message);
        break;
      case 'decided':
      case 'returned':
        this.#answer(message.id, message);
        break;
      case 'broken':
        this.#end(message.message, true);
        break;
      case 'permit':
        this.#options.onPermit(message);
        break;
      case 'fault':
        this.#end(message.why);
        break;
    }
  }

  #answer(id: number, message: FromWorker): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.cancel();
    call?.resolve(message);
  }

  /** The first reason counts: what follows from it is no reason of its own. */
  #end(why: string, isBroken = false): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = new PolicyStopped(why, isBroken);
    for (const { reject, cancel } of this.#calls.values()) {
      cancel();
      reject(this.#stopped);
    }
    this.#calls.clear();
    void this.#worker.terminate();
  }

  #print(text: string): void {
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      this.#lines += 1;
      if (this.#lines > LINES_MAX) return;
      this.#options.logger.info('Policy printed', { line: line.slice(0, 1_000) });
      if (this.#lines === LINES_MAX) {
        this.#options.logger.warn('Policy printed too much, the rest is dropped', { LINES_MAX });
      }
    }
  }
}

function crashText(error: Error & { readonly code?: string }, limits: WorkerLimits): string {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `it used more than ${limits.heapMebibytes} MiB of memory`;
  }
  return `it failed outside of a decision: ${error.name}: ${error.message.split('\n', 1)[0] ?? ''}`;
}
