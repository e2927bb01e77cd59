/**
 * postStart and preStop hooks.
 *
 * Source: kubernetes pkg/kubelet/lifecycle/handlers.go, v1.36.
 */

import type { Clock } from '../../base/clock.ts';
import type { Container, LifecycleHandler } from '../../proto/api/gen/core-v1.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import { httpGet } from './http-action.ts';

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

/** Rejects with why the hook failed; resolves early when the signal is aborted. */
export type HookRunner = (
  handler: LifecycleHandler,
  target: HookTarget,
  signal: AbortSignal,
) => Promise<void>;

/** A hook without an end of its own is cut here, in milliseconds. */
const HTTP_TIMEOUT_MS = 30_000;
const OUTPUT_LENGTH_MAX = 1_000;

export function newHookRunner(cri: Pick<CriClient, 'execSync'>, clock: Clock): HookRunner {
  return async (handler, target, signal) => {
    if (handler.exec !== undefined) {
      const { command: cmd = [] } = handler.exec;
      const request = { container_id: target.containerId, cmd, timeout: 0 };
      const answer = await cri.execSync(request, { signal });
      if (answer.exit_code === 0) return;
      const output = Buffer.concat([answer.stdout, answer.stderr]).toString();
      throw new Error(
        `command '${cmd.join(' ')}' exited with ${answer.exit_code}: ${output.slice(0, OUTPUT_LENGTH_MAX)}`,
      );
    }
    if (handler.httpGet !== undefined) {
      const action = { ...target, timeoutMs: HTTP_TIMEOUT_MS, userAgent: 'kube-lifecycle/1.36' };
      const { status } = await httpGet(handler.httpGet, action);
      if (status >= 200 && status < 400) return;
      throw new Error(`HTTP hook failed with statuscode: ${status}`);
    }
    if (handler.sleep !== undefined) {
      await clock.after(handler.sleep.seconds * 1000, signal);
      return;
    }
    throw new Error(`hook handler "${Object.keys(handler)[0] ?? 'none'}" is not supported`);
  };
}
