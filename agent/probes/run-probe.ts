/**
 * One probe of one container.
 *
 * Source: kubernetes pkg/kubelet/prober/prober.go and pkg/probe, v1.36.
 */

import type { Container, Probe } from '../../proto/api/gen/core-v1.ts';
import type { CriClient } from '../../proto/cri/client.ts';
import { CriError } from '../../proto/cri/rpcs.ts';
import { httpGet, tcpConnect } from './http-action.ts';

/** `unknown`: the probe itself could not be made; it counts neither way. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'unknown';
  readonly output: string;
}

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

export type RunProbe = (probe: Probe, target: ProbeTarget) => Promise<ProbeOutcome>;

const USER_AGENT = 'kube-probe/1.36';
const DEFAULT_TIMEOUT_SECONDS = 1;

export function newProbeRunner(cri: Pick<CriClient, 'execSync'>): RunProbe {
  return async (probe, target) => {
    const timeoutSeconds = probe.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
    const action = { ...target, timeoutMs: timeoutSeconds * 1000, userAgent: USER_AGENT };
    try {
      if (probe.exec !== undefined) {
        const { command = [] } = probe.exec;
        return await exec(cri, target.containerId, command, timeoutSeconds);
      }
      if (probe.httpGet !== undefined) {
        const { status, body } = await httpGet(probe.httpGet, action);
        if (status >= 200 && status < 400) return { result: 'success', output: body };
        return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
      }
      if (probe.tcpSocket !== undefined) {
        await tcpConnect(probe.tcpSocket, action);
        return { result: 'success', output: '' };
      }
    } catch (error) {
      return { result: 'failure', output: describe(error, probe, target) };
    }
    return { result: 'failure', output: 'gRPC probes are not supported by this node' };
  };
}

async function exec(
  cri: Pick<CriClient, 'execSync'>,
  id: string,
  command: readonly string[],
  timeout: number,
): Promise<ProbeOutcome> {
  try {
    const answer = await cri.execSync({ container_id: id, cmd: command, timeout });
    const output = Buffer.concat([answer.stdout, answer.stderr]).toString();
    return { result: answer.exit_code === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (error instanceof CriError && error.code === 'DEADLINE_EXCEEDED') {
      return { result: 'failure', output: `command timed out after ${timeout}s` };
    }
    return { result: 'unknown', output: error instanceof Error ? error.message : String(error) };
  }
}

function describe(error: unknown, probe: Probe, { podIp }: ProbeTarget): string {
  const message = error instanceof Error ? error.message : String(error);
  const aborted = error instanceof Error && 'code' in error && error.code === 'ABORT_ERR';
  const why = aborted
    ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    : message;
  if (probe.httpGet === undefined) return why;
  const { scheme = 'HTTP', host = podIp, port, path = '/' } = probe.httpGet;
  return `Get "${scheme.toLowerCase()}://${host}:${port}${path}": ${why}`;
}
