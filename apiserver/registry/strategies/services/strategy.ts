/**
 * Services. Cluster addresses and node ports are given out by the admission plugin
 * service-allocation.ts, since that needs to know what other services have.
 * Source: kubernetes pkg/registry/core/service/strategy.go, pkg/apis/core/v1/defaults.go, v1.36.
 */

import type { Service, ServicePort, ServiceSpec } from '../../../../proto/api/gen/core-v1.ts';
import { services } from '../../../../proto/api/gen/resources.ts';
import {
  AGE_COLUMN,
  ageOf,
  column,
  formatLabels,
  NAME_COLUMN,
  orNone,
  SELECTOR_COLUMN,
} from '../columns.ts';
import { defineStrategy, type Editable } from '../define-strategy.ts';
import { keepAllocations } from './keep-allocations.ts';
import { isHeadless, validateService, validateServiceUpdate } from './validation.ts';

const CLIENT_IP_TIMEOUT_SECONDS = 10_800;

export const serviceStrategy = defineStrategy({
  resource: services,
  status: 'separate',
  withoutGeneration: true,
  allowCreateOnUpdate: true,
  nameRule: 'label1035',
  returnsDeleted: true,

  setDefaults(service) {
    if (service.spec !== undefined) setSpecDefaults(service.spec);
  },
  prepareForCreate(service) {
    service.status = { loadBalancer: {} };
    if (service.spec !== undefined) syncClusterIps(service.spec);
  },
  prepareForUpdate(service, old) {
    if (service.spec === undefined) return;
    keepAllocations(service.spec, old.spec);
    syncClusterIps(service.spec);
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  warnings: (service) => serviceWarnings(service.spec),

  columns: [
    NAME_COLUMN,
    column('Type', 'How the service is reached.'),
    column('Cluster-IP', 'The address inside the cluster.'),
    column('External-IP', 'Addresses outside the cluster.'),
    column('Port(s)', 'The ports, with node ports and protocols.'),
    AGE_COLUMN,
    SELECTOR_COLUMN,
  ],
  cells(service, nowMs) {
    const { spec } = service;
    return [
      service.metadata.name,
      spec?.type ?? '',
      orNone(spec?.clusterIPs?.[0] ?? spec?.clusterIP),
      externalIpCell(service),
      orNone((spec?.ports ?? []).map(portCell).join(',')),
      ageOf(service, nowMs),
      formatLabels(spec?.selector),
    ];
  },
  selectableFields: (service) => ({
    'spec.clusterIP': service.spec?.clusterIP ?? '',
    'spec.type': service.spec?.type ?? '',
  }),
});

function setSpecDefaults(spec: Editable<ServiceSpec>): void {
  spec.sessionAffinity ||= 'None';
  spec.type ||= 'ClusterIP';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= CLIENT_IP_TIMEOUT_SECONDS;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') {
      port.targetPort = port.port;
    }
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  if (isExternal) spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** `clusterIP` is the old form of the first one of `clusterIPs`. */
function syncClusterIps(spec: Editable<ServiceSpec>): void {
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
  if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
}

function serviceWarnings(spec: ServiceSpec | undefined): string[] {
  if (spec === undefined) return [];
  const warnings: string[] = [];
  const unused = (field: string) => warnings.push(`${field}: stored, but it has no effect yet`);
  if (spec.type !== 'ExternalName' && !isHeadless(spec)) {
    warnings.push(
      'spec.clusterIP: given out, but nothing routes it yet; the endpoints are reachable',
    );
  }
  if (spec.type === 'NodePort') unused('spec.type "NodePort"');
  if (spec.type === 'LoadBalancer') unused('spec.type "LoadBalancer"');
  if ((spec.externalIPs ?? []).length > 0) unused('spec.externalIPs');
  if (spec.sessionAffinity === 'ClientIP') unused('spec.sessionAffinity "ClientIP"');
  if (spec.externalTrafficPolicy === 'Local') unused('spec.externalTrafficPolicy "Local"');
  if (spec.internalTrafficPolicy === 'Local') unused('spec.internalTrafficPolicy "Local"');
  if (spec.trafficDistribution !== undefined) unused('spec.trafficDistribution');
  return warnings;
}

function portCell(port: ServicePort): string {
  const nodePort = (port.nodePort ?? 0) > 0 ? `:${port.nodePort}` : '';
  return `${port.port}${nodePort}/${port.protocol ?? 'TCP'}`;
}

function externalIpCell(service: Service): string {
  const { spec, status } = service;
  const given = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(given.join(','));
    case 'LoadBalancer': {
      const ingress = status?.loadBalancer?.ingress ?? [];
      const balancers = ingress.map(({ ip, hostname }) => ip || hostname || '').filter(Boolean);
      return [...new Set(balancers)].sort().concat(given).join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}
