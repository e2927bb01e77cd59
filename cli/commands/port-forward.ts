/** `skiff port-forward`: ports of this machine lead to ports of a pod, until it is interrupted. */

import { once } from 'node:events';
import net from 'node:net';
import type { Command } from 'commander';
import type { Pod, Service } from '../../proto/api/gen/core-v1.ts';
import { pods, services } from '../../proto/api/gen/resources.ts';
import { resourcePath } from '../../proto/api/resource.ts';
import { findPod } from '../resources/find-pod.ts';
import { parseForward, podPort } from '../resources/forwarded-port.ts';
import { CliUsageError, type Session } from '../session.ts';
import { forwardConnection } from '../streaming/forward-connection.ts';
import type { Runner } from './program.ts';

interface PortForwardFlags {
  readonly address: string;
}

export function addPortForward(program: Command, run: Runner): void {
  program
    .command('port-forward <target> <ports...>')
    .description('forward ports to a pod: POD, deploy/NAME or svc/NAME, then [LOCAL:]REMOTE …')
    .option('--address <list>', 'local addresses to listen on, with commas', 'localhost')
    .action(
      run((session, target: string, ports: string[], flags: PortForwardFlags) =>
        portForward(session, target, ports, flags),
      ),
    );
}

/** Returns when the session's signal is aborted and everything is closed. */
async function portForward(
  session: Session,
  target: string,
  words: readonly string[],
  flags: PortForwardFlags,
): Promise<void> {
  const asked = words.map(parseForward);
  const pod = await findPod(session, target);
  const { phase = 'Unknown' } = pod.status;
  if (phase !== 'Running') {
    const why = `unable to forward port because pod is not running. Current status=${phase}`;
    throw new CliUsageError(why);
  }
  const service = await serviceOf(session, target);
  const listeners = new Set<net.Server>();
  try {
    for (const { local, remote } of asked) {
      const port = podPort(remote, pod, service);
      // `8080` alone is the same on both sides: of a service, its own port.
      const listenAt = local ?? (/^[0-9]+$/.test(remote) ? Number(remote) : port);
      for (const host of hostsOf(flags.address)) {
        listeners.add(await listen(session, pod, host, listenAt, port));
      }
    }
    if (!session.signal.aborted) await once(session.signal, 'abort');
  } finally {
    for (const listener of listeners) listener.close();
  }
}

/** The service that was named, for the ports it translates. */
async function serviceOf(session: Session, target: string): Promise<Service | undefined> {
  const { client, namespace, signal } = session;
  const [, name] = /^(?:svc|service|services)\/(.+)$/.exec(target) ?? [];
  return name === undefined ? undefined : client.get(services, { namespace, name }, signal);
}

function hostsOf(list: string): readonly string[] {
  return list.split(',').map((address) => {
    if (address === 'localhost') return '127.0.0.1';
    if (net.isIP(address) !== 0) return address;
    throw new CliUsageError(`"${address}" is not an address: use IP addresses or localhost`);
  });
}

/** Resolves when it listens; throws when the port is taken. */
async function listen(
  session: Session,
  pod: Pod,
  host: string,
  local: number,
  remote: number,
): Promise<net.Server> {
  const { name, namespace = session.namespace } = pod.metadata;
  const where = resourcePath(pods, { namespace, name, subresource: 'portforward' });
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    session.out(`Handling connection for ${portOf(server)}\n`);
    void forwardConnection(session, `${where}?ports=${remote}`, socket);
  });
  server.listen(local, host);
  await once(server, 'listening');
  session.out(
    `Forwarding from ${net.isIPv6(host) ? `[${host}]` : host}:${portOf(server)} -> ${remote}\n`,
  );
  return server;
}

function portOf(server: net.Server): number {
  // A TCP server has an address of this form.
  return (server.address() as net.AddressInfo).port;
}
