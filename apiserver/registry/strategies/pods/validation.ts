/**
 * Validation of pods and of pod templates. What is wrong with containers, volumes and scheduling
 * rules is told by the files beside this one.
 * Source: kubernetes pkg/apis/core/validation/validation.go `ValidatePodSpec`, v1.36.
 */

import type { Pod, PodSpec, PodTemplateSpec } from '../../../../proto/api/gen/core-v1.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  qualifiedNameErrors,
} from '../../../../proto/api/names.ts';
import type { FieldError } from '../../../../proto/api/status-error.ts';
import {
  annotationErrors,
  invalidField,
  labelErrors,
  nonNegative,
  required,
  texts,
} from '../../../../proto/api/validation.ts';
import { ipErrors } from '../validation/ip.ts';
import { containerListErrors } from './container-validation.ts';
import { refusedFieldErrors } from './field-effects.ts';
import { schedulingErrors } from './scheduling-validation.ts';
import { podSecurityErrors } from './security-validation.ts';
import { volumeErrors } from './volume-validation.ts';

const INT32_MAX = 2_147_483_647;
const DNS_NAMESERVERS_MAX = 3;
const DNS_SEARCHES_MAX = 32;

export function validatePod(pod: Pod): readonly FieldError[] {
  if (pod.spec === undefined) return [required('spec.containers')];
  return specErrors('spec', pod.spec);
}

/** `at` is the path of the template: `spec.template`. */
export function validatePodTemplate(at: string, template: PodTemplateSpec): readonly FieldError[] {
  const { metadata, spec } = template;
  const errors = [
    ...labelErrors(`${at}.metadata.labels`, metadata?.labels ?? {}),
    ...annotationErrors(`${at}.metadata.annotations`, metadata?.annotations ?? {}),
  ];
  if (spec === undefined) return [...errors, required(`${at}.spec.containers`)];
  return [...errors, ...specErrors(`${at}.spec`, spec)];
}

function specErrors(at: string, spec: PodSpec): readonly FieldError[] {
  const { errors: ofVolumes, names: volumes } = volumeErrors(`${at}.volumes`, spec.volumes ?? []);
  return [
    ...ofVolumes,
    ...containerListErrors(at, spec, volumes),
    ...durationErrors(at, spec),
    ...nameErrors(at, spec),
    ...dnsErrors(at, spec),
    ...podSecurityErrors(at, spec),
    ...schedulingErrors(at, spec),
    ...refusedFieldErrors(at, spec),
  ];
}

function durationErrors(at: string, spec: PodSpec): FieldError[] {
  const { activeDeadlineSeconds: deadline, terminationGracePeriodSeconds: grace = 0 } = spec;
  const errors = [...nonNegative(`${at}.terminationGracePeriodSeconds`, grace)];
  if (deadline !== undefined && (deadline < 1 || deadline > INT32_MAX)) {
    const why = `must be between 1 and ${INT32_MAX}, inclusive`;
    errors.push(invalidField(`${at}.activeDeadlineSeconds`, deadline, why));
  }
  return errors;
}

function nameErrors(at: string, spec: PodSpec): FieldError[] {
  const subdomains = ['serviceAccountName', 'nodeName', 'priorityClassName'] as const;
  const labels = ['hostname', 'subdomain'] as const;
  const errors: FieldError[] = [];
  for (const field of subdomains) {
    const value = spec[field] ?? '';
    if (value !== '') errors.push(...texts(`${at}.${field}`, value, dns1123SubdomainErrors(value)));
  }
  for (const field of labels) {
    const value = spec[field] ?? '';
    if (value !== '') errors.push(...texts(`${at}.${field}`, value, dns1123LabelErrors(value)));
  }
  const { runtimeClassName: runtimeClass } = spec;
  if (runtimeClass !== undefined) {
    const field = `${at}.runtimeClassName`;
    errors.push(...texts(field, runtimeClass, dns1123SubdomainErrors(runtimeClass)));
  }
  for (const [index, { conditionType: type }] of (spec.readinessGates ?? []).entries()) {
    const field = `${at}.readinessGates[${index}].conditionType`;
    errors.push(...texts(field, type, qualifiedNameErrors(type)));
  }
  return errors;
}

function dnsErrors(at: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const field = `${at}.dnsConfig`;
  if (spec.dnsPolicy === 'None') {
    const why = `must provide \`dnsConfig\` when \`dnsPolicy\` is None`;
    if (spec.dnsConfig === undefined) errors.push(required(field, why));
    else if (nameservers.length === 0) {
      const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is "None"';
      errors.push(required(`${field}.nameservers`, detail));
    }
  }
  if (nameservers.length > DNS_NAMESERVERS_MAX) {
    const why = `must not have more than ${DNS_NAMESERVERS_MAX} nameservers`;
    errors.push(invalidField(`${field}.nameservers`, nameservers, why));
  }
  if (searches.length > DNS_SEARCHES_MAX) {
    const why = `must not have more than ${DNS_SEARCHES_MAX} search paths`;
    errors.push(invalidField(`${field}.searches`, searches, why));
  }
  for (const [index, ip] of nameservers.entries()) {
    errors.push(...ipErrors(`${field}.nameservers[${index}]`, ip));
  }
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, '');
    if (name === '') continue;
    errors.push(...texts(`${field}.searches[${index}]`, search, dns1123SubdomainErrors(name)));
  }
  for (const [index, option] of options.entries()) {
    if (!option.name) errors.push(required(`${field}.options[${index}]`, 'must not be empty'));
  }
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    const alias = `${at}.hostAliases[${index}]`;
    errors.push(...ipErrors(`${alias}.ip`, ip));
    for (const name of hostnames) {
      errors.push(...texts(`${alias}.hostnames`, name, dns1123SubdomainErrors(name)));
    }
  }
  return errors;
}
