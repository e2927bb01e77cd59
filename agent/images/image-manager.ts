/**
 * Has the image of a container ready before the container is made: by its pull policy, with
 * back-off after failed pulls, and with the events that people know.
 *
 * Source: kubernetes pkg/kubelet/images/image_manager.go, v1.36.
 */

import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { Container, Pod } from '../../proto/api/gen/core-v1.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import type { AuthConfig, Image, Input, PodSandboxConfig } from '../../proto/cri/types.ts';
import type { EventSink } from '../sync/pod-context.ts';
import type { PullCredentials } from './pull-credentials.ts';

/** How a runtime, ours and containerd, begins its answer for a name that is none. */
const INVALID_NAME = 'invalid reference format';
const PULL_BACKOFF = { initialMs: 10_000, maxMs: 300_000 };

export interface ImageManagerOptions {
  readonly cri: Pick<CriClient, 'imageStatus' | 'pullImage'>;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly credentials: PullCredentials;
}

interface ImageErrorOptions extends ErrorOptions {
  /** What the container's waiting state says. */
  readonly reason: string;
  /** Try again after this many milliseconds. */
  readonly retryMs: number;
}

/** The container can't start for its image. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly reason: string;
  readonly retryMs: number;

  constructor(message: string, options: ImageErrorOptions) {
    super(message, options);
    this.reason = options.reason;
    this.retryMs = options.retryMs;
  }
}

interface PullFailure {
  readonly failures: number;
  readonly untilMs: number;
  readonly message: string;
}

export class ImageManager {
  readonly #options: ImageManagerOptions;
  readonly #failures = new Map<string, PullFailure>();

  constructor(options: ImageManagerOptions) {
    this.#options = options;
  }

  /** Gives the image, or throws an {@link ImageError}. */
  async ensure(
    pod: Pod,
    container: Container,
    sandbox: Input<PodSandboxConfig>,
    signal: AbortSignal,
  ): Promise<Image> {
    const name = container.image ?? '';
    const policy = container.imagePullPolicy ?? defaultPolicy(name);
    const present = policy === 'Always' ? undefined : await this.#status(name, signal);
    if (present !== undefined) {
      this.#record(pod, 'Normal', 'Pulled', `Container image "${name}" already present on machine`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      this.#record(pod, 'Warning', 'ErrImageNeverPull', message);
      const retryMs = PULL_BACKOFF.initialMs;
      throw new ImageError(message, { reason: 'ErrImageNeverPull', retryMs });
    }
    this.#checkBackoff(pod, name);
    await this.#pull(pod, name, sandbox, signal);
    const pulled = await this.#status(name, signal);
    if (pulled === undefined) {
      const message = `image "${name}" is gone after its pull`;
      throw new ImageError(message, { reason: 'ErrImagePull', retryMs: 0 });
    }
    return pulled;
  }

  forget(uid: string): void {
    for (const key of this.#failures.keys()) {
      if (key.startsWith(`${uid}_`)) this.#failures.delete(key);
    }
  }

  #checkBackoff(pod: Pod, name: string): void {
    const failure = this.#failures.get(`${pod.metadata.uid}_${name}`);
    if (failure === undefined) return;
    const leftMs = failure.untilMs - this.#options.clock.wallMs();
    if (leftMs <= 0) return;
    const message = `Back-off pulling image "${name}"`;
    this.#record(pod, 'Normal', 'BackOff', message);
    this.#record(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff');
    const text = `${message}: ErrImagePull: ${failure.message}`;
    throw new ImageError(text, { reason: 'ImagePullBackOff', retryMs: leftMs });
  }

  async #pull(
    pod: Pod,
    name: string,
    sandbox: Input<PodSandboxConfig>,
    signal: AbortSignal,
  ): Promise<void> {
    const { cri, clock } = this.#options;
    const key = `${pod.metadata.uid}_${name}`;
    this.#record(pod, 'Normal', 'Pulling', `Pulling image "${name}"`);
    const startMs = clock.monotonicMs();
    try {
      await this.#pullWith(await this.#options.credentials.of(pod, name), name, sandbox, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof CriError)) throw error;
      if (error.message.startsWith(INVALID_NAME)) throw this.#invalidName(pod, name, error);
      this.#record(pod, 'Warning', 'Failed', `Failed to pull image "${name}": ${error.message}`);
      this.#record(pod, 'Warning', 'Failed', 'Error: ErrImagePull');
      const failures = this.#failures.get(key)?.failures ?? 0;
      const delayMs = backoffMs(PULL_BACKOFF, failures);
      const untilMs = clock.wallMs() + delayMs;
      this.#failures.set(key, { failures: failures + 1, untilMs, message: error.message });
      throw new ImageError(error.message, { cause: error, reason: 'ErrImagePull', retryMs: 0 });
    }
    this.#failures.delete(key);
    const took = `${Math.round(clock.monotonicMs() - startMs)}ms`;
    const size = (await cri.imageStatus({ image: { image: name } }, { signal })).image?.size ?? '0';
    const text = `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${size} bytes.`;
    this.#record(pod, 'Normal', 'Pulled', text);
  }

  #invalidName(pod: Pod, name: string, cause: CriError): ImageError {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": ${cause.message}`;
    this.#record(pod, 'Warning', 'InspectFailed', message);
    this.#record(pod, 'Warning', 'Failed', 'Error: InvalidImageName');
    const retryMs = PULL_BACKOFF.initialMs;
    return new ImageError(message, { cause, reason: 'InvalidImageName', retryMs });
  }

  /** Each credential in turn, as one secret may be stale; the last failure counts. */
  async #pullWith(
    credentials: readonly Input<AuthConfig>[],
    name: string,
    sandbox: Input<PodSandboxConfig>,
    signal: AbortSignal,
  ): Promise<void> {
    const request = { image: { image: name }, sandbox_config: sandbox };
    const [first, ...rest] = credentials;
    if (first === undefined) {
      await this.#options.cri.pullImage(request, { signal });
      return;
    }
    try {
      await this.#options.cri.pullImage({ ...request, auth: first }, { signal });
    } catch (error) {
      if (rest.length === 0 || signal.aborted) throw error;
      await this.#pullWith(rest, name, sandbox, signal);
    }
  }

  async #status(name: string, signal: AbortSignal): Promise<Image | undefined> {
    const answer = await this.#options.cri.imageStatus({ image: { image: name } }, { signal });
    return answer.image ?? undefined;
  }

  #record(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.events.record(pod, type, reason, message);
  }
}

/** `:latest` or no tag: Always; the API server has usually filled it in. */
export function defaultPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}
