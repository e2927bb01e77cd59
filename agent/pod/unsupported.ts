/**
 * What a pod asks for that this node can't do. Such a pod isn't run without it: it stays Pending, and
 * an event names the field.
 */

import type { Container, Pod, Volume } from '../../proto/api/gen/core-v1.ts';
import { allContainersOf } from './container-kinds.ts';

const VOLUME_KINDS = ['emptyDir', 'hostPath', 'configMap', 'secret', 'downwardAPI', 'projected'];

/** One text for each field; empty: all can be done. */
export function unsupportedFields(pod: Pod): readonly string[] {
  const { spec } = pod;
  const fields: readonly (readonly [string, boolean])[] = [
    ['spec.runtimeClassName', isSet(spec.runtimeClassName)],
    ['spec.resourceClaims', isSet(spec.resourceClaims)],
    ['spec.resources', isSet(spec.resources)],
    ['spec.setHostnameAsFQDN', spec.setHostnameAsFQDN === true],
    ['spec.os.name: windows', spec.os?.name === 'windows'],
  ];
  return [
    ...fields.filter(([, asked]) => asked).map(([field]) => `${field} is not supported`),
    ...allContainersOf(pod).flatMap(unsupportedOfContainer),
  ];
}

/** As {@link unsupportedFields}, of the volumes. */
export function unsupportedVolumes(pod: Pod): readonly string[] {
  return (pod.spec.volumes ?? [])
    .filter((volume) => !VOLUME_KINDS.includes(volumeKind(volume)))
    .map((volume) => `volume "${volume.name}": ${volumeKind(volume)} is not supported`);
}

/** `emptyDir`, `persistentVolumeClaim`, … */
export function volumeKind(volume: Volume): string {
  return Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
}

function unsupportedOfContainer(container: Container): readonly string[] {
  const { name, volumeDevices, restartPolicyRules, livenessProbe, readinessProbe } = container;
  const probes = [livenessProbe, readinessProbe, container.startupProbe];
  const windows = container.securityContext?.windowsOptions;
  const fields: readonly (readonly [string, boolean])[] = [
    ['volumeDevices', isSet(volumeDevices)],
    ['restartPolicyRules', isSet(restartPolicyRules)],
    ['a grpc probe', probes.some((probe) => probe?.grpc !== undefined)],
    ['securityContext.windowsOptions', isSet(windows)],
  ];
  return fields
    .filter(([, asked]) => asked)
    .map(([field]) => `container "${name}": ${field} is not supported`);
}

function isSet(value: object | string | undefined): boolean {
  if (value === undefined || value === '') return false;
  return typeof value === 'string' || Object.keys(value).length > 0;
}
