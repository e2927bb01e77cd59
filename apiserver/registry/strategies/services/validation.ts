/**
 * Validation of services.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidateService`, v1.36.
 */

import type { Service, ServicePort, ServiceSpec } from '../../../../proto/api/gen/core-v1.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
} from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  duplicate,
  forbiddenField,
  invalidField,
  labelErrors,
  portNumber,
  required,
  texts,
} from '../../../../proto/api/validation.ts';
import { endpointIpErrors, ipErrors } from '../validation/ip.ts';

const AFFINITY_SECONDS_MAX = 86_400;

export function validateService(service: Service): readonly FieldError[] {
  const { spec } = service;
  if (spec === undefined) return [required('spec.ports')];
  return [
    ...portListErrors(spec),
    ...labelErrors('spec.selector', spec.selector ?? {}),
    ...addressErrors(spec),
    ...externalErrors(spec),
    ...affinityErrors(spec),
  ];
}

export function validateServiceUpdate(service: Service, old: Service): readonly FieldError[] {
  const wasExternal = old.spec.type === 'ExternalName';
  const before = old.spec.clusterIPs?.[0] ?? '';
  const { clusterIPs = [], type } = service.spec;
  if (wasExternal || type === 'ExternalName' || before === '') return [];
  if (clusterIPs[0] === before && service.spec.clusterIP === before) return [];
  const given = clusterIPs[0] === before ? [service.spec.clusterIP] : clusterIPs;
  return [invalidField('spec.clusterIPs[0]', given, 'may not change once set')];
}

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';
}

function portListErrors(spec: ServiceSpec): FieldError[] {
  const { ports = [], type } = spec;
  if (ports.length === 0) {
    const needsPorts = type !== 'ExternalName' && !isHeadless(spec);
    return needsPorts ? [required('spec.ports')] : [];
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}]`;
    errors.push(...portErrors(field, port, ports.length > 1, spec));
    const { name = '', protocol = 'TCP', nodePort = 0 } = port;
    if (name !== '' && names.has(name)) errors.push(duplicate(`${field}.name`, name));
    names.add(name);
    const number = `${protocol}/${port.port}`;
    if (numbers.has(number)) errors.push(duplicate(field, { protocol, port: port.port }));
    numbers.add(number);
    const onNode = `${protocol}/${nodePort}`;
    if (nodePort > 0 && nodePorts.has(onNode)) {
      errors.push(duplicate(`${field}.nodePort`, nodePort));
    }
    nodePorts.add(onNode);
  }
  return errors;
}

function portErrors(
  at: string,
  port: ServicePort,
  needsName: boolean,
  spec: ServiceSpec,
): FieldError[] {
  const { name = '', targetPort, nodePort = 0 } = port;
  const errors: FieldError[] = [];
  if (name !== '') errors.push(...texts(`${at}.name`, name, dns1123LabelErrors(name)));
  else if (needsName) errors.push(required(`${at}.name`));
  errors.push(...portNumber(`${at}.port`, port.port ?? 0));
  if (typeof targetPort === 'string') {
    errors.push(...texts(`${at}.targetPort`, targetPort, portNameErrors(targetPort)));
  } else errors.push(...portNumber(`${at}.targetPort`, targetPort ?? 0));
  if (nodePort !== 0 && (spec.type === 'ClusterIP' || spec.type === 'ExternalName')) {
    const why = "may not be used when `type` is 'ClusterIP'";
    errors.push(forbiddenField(`${at}.nodePort`, why));
  }
  return errors;
}

function addressErrors(spec: ServiceSpec): FieldError[] {
  const { clusterIP = '', clusterIPs = [], type } = spec;
  const errors: FieldError[] = [];
  if (type === 'ExternalName') {
    if (clusterIP !== '' || clusterIPs.length > 0) {
      const why = 'may not be set for ExternalName services';
      errors.push(forbiddenField('spec.clusterIPs', why));
    }
    return errors;
  }
  if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0]) {
    const why = 'first value must match `clusterIP`';
    errors.push(invalidField('spec.clusterIPs', clusterIPs, why));
  }
  if (isHeadless(spec)) {
    if (type === 'LoadBalancer' || type === 'NodePort') {
      const why = `may not be set to 'None' for ${type} services`;
      errors.push(invalidField('spec.clusterIPs[0]', 'None', why));
    }
    return errors;
  }
  const given = clusterIPs.length > 0 ? clusterIPs : [clusterIP].filter((ip) => ip !== '');
  for (const [index, ip] of given.entries()) {
    errors.push(...ipErrors(`spec.clusterIPs[${index}]`, ip));
  }
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    errors.push(...endpointIpErrors(`spec.externalIPs[${index}]`, ip));
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' || (spec.ipFamilies ?? []).length > 1) {
    const why = 'this cluster is not configured for dual-stack services';
    errors.push(invalidField('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? '', why));
  }
  return errors;
}

function externalErrors(spec: ServiceSpec): FieldError[] {
  if (spec.type !== 'ExternalName') return [];
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') return [required('spec.externalName')];
  return [...texts('spec.externalName', name, dns1123SubdomainErrors(name))];
}

function affinityErrors(spec: ServiceSpec): FieldError[] {
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity !== 'ClientIP' || seconds === undefined) return [];
  if (seconds > 0 && seconds <= AFFINITY_SECONDS_MAX) return [];
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  return [invalidField(field, seconds, `must be > 0 && <= ${AFFINITY_SECONDS_MAX}`)];
}
