/**
 * `<SERVICE>_SERVICE_HOST`, `_SERVICE_PORT` and the Docker-link variables of the services of a
 * pod's namespace, and of `default/kubernetes`.
 *
 * Source: kubernetes pkg/kubelet/envvars/envvars.go and kubelet_pods.go `getServiceEnvVarMap`, v1.36.
 */

import type { Pod, Service } from '../../proto/api/gen/core-v1.ts';

/** Of the services that have a cluster IP; `kubernetes` of `default` always counts. */
export function serviceEnvironment(
  pod: Pod,
  services: readonly Service[],
): ReadonlyMap<string, string> {
  const links = pod.spec.enableServiceLinks ?? true;
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name, namespace } = service.metadata;
    const isMaster = namespace === 'default' && name === 'kubernetes';
    if (!hasAddress(service)) continue;
    if (isMaster && !chosen.has(name)) chosen.set(name, service);
    if (links && namespace === pod.metadata.namespace) chosen.set(name, service);
  }
  const variables = new Map<string, string>();
  const byName = [...chosen.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const service of byName) addService(variables, service);
  return variables;
}

function hasAddress(service: Service): boolean {
  const { clusterIP } = service.spec ?? {};
  return clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None';
}

function addService(variables: Map<string, string>, service: Service): void {
  const prefix = variableName(service.metadata.name);
  const { clusterIP = '', ports = [] } = service.spec ?? {};
  const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP;
  const [first] = ports;
  variables.set(`${prefix}_SERVICE_HOST`, clusterIP);
  if (first === undefined) return;
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name !== undefined && port.name !== '') {
      variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
  }
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    variables.set(link, url);
    variables.set(`${link}_PROTO`, protocol.toLowerCase());
    variables.set(`${link}_PORT`, String(port.port));
    variables.set(`${link}_ADDR`, clusterIP);
  }
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
