/**
 * Reads from the runtime what there is of a pod. What can't change any more (containers that
 * exited, addresses of a ready sandbox) is read once.
 */

import { readFile } from 'node:fs/promises';
import type { CriClient } from '../../proto/cri/client.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import type { ContainerStatus, Int64, PodSandboxStatus } from '../../proto/cri/types.ts';
import {
  DEFAULT_TERMINATION_PATH,
  HASH_ANNOTATION,
  POD_UID_LABEL,
  TERMINATION_PATH_ANNOTATION,
  TERMINATION_POLICY_ANNOTATION,
} from '../pod/container-identity.ts';
import {
  newestFirst,
  type ObservedContainer,
  type ObservedPod,
  type ObservedSandbox,
} from '../pod/observed-pod.ts';
import { readLastLines } from './last-log-lines.ts';

type Cri = Pick<
  CriClient,
  'listPodSandbox' | 'listContainers' | 'podSandboxStatus' | 'containerStatus'
>;

/** Bytes of a termination message that are kept; upstream's limit. */
const TERMINATION_MESSAGE_BYTES_MAX = 4096;
/** With FallbackToLogsOnError: this many bytes or lines of the log's end. */
const FALLBACK_BYTES_MAX = 2048;
const FALLBACK_LINES_MAX = 80;

/** One for each pod: it remembers that pod's containers only. */
export class PodObserver {
  readonly #cri: Cri;
  readonly #uid: string;
  readonly #exited = new Map<string, ObservedContainer>();
  readonly #sandboxes = new Map<string, ObservedSandbox>();

  constructor(cri: Cri, uid: string) {
    this.#cri = cri;
    this.#uid = uid;
  }

  /** Fails with a CriError when the runtime can't say. */
  async observe(signal: AbortSignal): Promise<ObservedPod> {
    const filter = { label_selector: { [POD_UID_LABEL]: this.#uid } };
    const [sandboxes, containers] = await Promise.all([
      this.#cri.listPodSandbox({ filter }, { signal }),
      this.#cri.listContainers({ filter }, { signal }),
    ]);
    const [observedSandboxes, observedContainers] = await Promise.all([
      Promise.all(
        sandboxes.items.map((each) =>
          this.#sandbox(each.id, each.state === 'SANDBOX_READY', signal),
        ),
      ),
      Promise.all(
        containers.containers.map((each) => this.#container(each.id, each.pod_sandbox_id, signal)),
      ),
    ]);
    this.#forget(new Set([...sandboxes.items, ...containers.containers].map(({ id }) => id)));
    return {
      uid: this.#uid,
      sandboxes: newestFirst(observedSandboxes.filter((each) => each !== undefined)),
      containers: newestFirst(observedContainers.filter((each) => each !== undefined)),
    };
  }

  async #sandbox(
    id: string,
    ready: boolean,
    signal: AbortSignal,
  ): Promise<ObservedSandbox | undefined> {
    const known = this.#sandboxes.get(id);
    if (known?.ready === ready) return known;
    const answer = await found(() =>
      this.#cri.podSandboxStatus({ pod_sandbox_id: id }, { signal }),
    );
    if (answer?.status == null) return undefined;
    const sandbox = sandboxOf(answer.status);
    if (sandbox.ips.length > 0 || !sandbox.ready) this.#sandboxes.set(id, sandbox);
    return sandbox;
  }

  async #container(
    id: string,
    sandboxId: string,
    signal: AbortSignal,
  ): Promise<ObservedContainer | undefined> {
    const known = this.#exited.get(id);
    if (known !== undefined) return known;
    const answer = await found(() => this.#cri.containerStatus({ container_id: id }, { signal }));
    if (answer?.status == null) return undefined;
    const container = containerOf(answer.status, sandboxId);
    if (container.state !== 'exited') return container;
    const message = await terminationMessage(answer.status);
    const exited = message === undefined ? container : { ...container, message };
    this.#exited.set(id, exited);
    return exited;
  }

  #forget(present: ReadonlySet<string>): void {
    for (const map of [this.#exited, this.#sandboxes]) {
      for (const id of map.keys()) if (!present.has(id)) map.delete(id);
    }
  }
}

/** Undefined when the thing has gone since it was listed. */
async function found<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CriError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function sandboxOf(status: PodSandboxStatus): ObservedSandbox {
  const { ip = '', additional_ips: more = [] } = status.network ?? {};
  return {
    id: status.id,
    attempt: status.metadata?.attempt ?? 0,
    ready: status.state === 'SANDBOX_READY',
    createdAtMs: milliseconds(status.created_at) ?? 0,
    ips: [ip, ...more.map((each) => each.ip)].filter((each) => each !== ''),
  };
}

const STATES = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
} as const;

function containerOf(status: ContainerStatus, sandboxId: string): ObservedContainer {
  const state = STATES[status.state];
  const hash = status.annotations[HASH_ANNOTATION];
  const startedAtMs = milliseconds(status.started_at);
  const finishedAtMs = milliseconds(status.finished_at);
  return {
    id: status.id,
    name: status.metadata?.name ?? '',
    sandboxId,
    attempt: status.metadata?.attempt ?? 0,
    state,
    ...(hash === undefined ? {} : { hash }),
    image: status.image?.user_specified_image || status.image?.image || '',
    imageId: status.image_ref,
    createdAtMs: milliseconds(status.created_at) ?? 0,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    ...(state === 'exited' ? { exitCode: status.exit_code } : {}),
    ...(status.reason === '' ? {} : { reason: status.reason }),
    ...(status.message === '' ? {} : { message: status.message }),
  };
}

function milliseconds(nanoseconds: Int64): number | undefined {
  const value = BigInt(nanoseconds) / 1_000_000n;
  return value <= 0n ? undefined : Number(value);
}

/** What the container left for people: its file, else (if asked for) the end of its log. */
async function terminationMessage(status: ContainerStatus): Promise<string | undefined> {
  const path = status.annotations[TERMINATION_PATH_ANNOTATION] ?? DEFAULT_TERMINATION_PATH;
  const file = status.mounts.find(({ container_path }) => container_path === path)?.host_path;
  const text = file === undefined ? '' : await readTail(file);
  if (text !== '') return text;
  const policy = status.annotations[TERMINATION_POLICY_ANNOTATION];
  if (policy === 'FallbackToLogsOnError' && status.exit_code !== 0 && status.log_path !== '') {
    const tail = await readLastLines(status.log_path, FALLBACK_LINES_MAX, FALLBACK_BYTES_MAX);
    if (tail !== '') return tail;
  }
  return status.message === '' ? undefined : status.message;
}

/** An unreadable file is an empty message: the container may have removed it. */
async function readTail(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    return bytes.subarray(-TERMINATION_MESSAGE_BYTES_MAX).toString();
  } catch {
    return '';
  }
}
