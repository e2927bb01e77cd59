/** PortForward: returns a URL at which connections to ports of the pod's loopback are made. */

import { CriError } from '../../../proto/cri/rpcs.ts';
import { FORWARD_PORTS_MAX } from '../streaming/websocket-forward.ts';
import type { Rpc } from './rpc.ts';

export const portForward: Rpc<'PortForward'> = async (services, request) => {
  const { state, spawner } = services.runtime.parts;
  const { pod_sandbox_id: id, port: ports } = request;
  const record = id === '' ? undefined : state.sandbox(id);
  if (record === undefined || record.phase === 'creating') {
    throw new CriError('NOT_FOUND', `no sandbox with the id "${id}"`);
  }
  if (record.phase !== 'ready') {
    throw new CriError('FAILED_PRECONDITION', `sandbox ${id} is not ready`);
  }
  if (ports.length > FORWARD_PORTS_MAX) {
    throw new CriError('INVALID_ARGUMENT', `more than ${FORWARD_PORTS_MAX} ports at once`);
  }
  for (const port of ports) {
    if (port < 1 || port > 65_535) throw new CriError('INVALID_ARGUMENT', `${port} is not a port`);
  }
  const sandboxes = await spawner.client.request('listSandboxes', {});
  const netns = sandboxes.find(({ sandboxId }) => sandboxId === id)?.net;
  const target = { sandbox: id, netns };
  return { url: services.streaming.offer({ kind: 'portforward', target, ports }) };
};
