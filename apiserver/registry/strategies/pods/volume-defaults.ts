/**
 * The defaults of a volume.
 * Source: kubernetes pkg/apis/core/v1/defaults.go, v1.36.
 */

import type { ProjectedVolumeSource, Volume } from '../../../../proto/api/gen/core-v1.ts';
import type { Editable } from '../define-strategy.ts';

/** 0644, as decimal: how JSON writes file modes. */
const DEFAULT_MODE = 0o644;
const TOKEN_EXPIRATION_SECONDS = 3600;

export function setVolumeDefaults(volume: Editable<Volume>): void {
  const { name: _name, ...source } = volume;
  const isEmpty = Object.values(source).every((value) => value === undefined || value === null);
  if (isEmpty) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= DEFAULT_MODE;
  if (volume.configMap) volume.configMap.defaultMode ??= DEFAULT_MODE;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= DEFAULT_MODE;
    setFieldVersions(volume.downwardAPI.items);
  }
  if (volume.projected) setProjectedDefaults(volume.projected);
}

function setProjectedDefaults(projected: Editable<ProjectedVolumeSource>): void {
  projected.defaultMode ??= DEFAULT_MODE;
  for (const source of projected.sources ?? []) {
    setFieldVersions(source.downwardAPI?.items);
    const token = source.serviceAccountToken;
    if (token) token.expirationSeconds ??= TOKEN_EXPIRATION_SECONDS;
  }
}

function setFieldVersions(
  items: { fieldRef?: { apiVersion?: string; fieldPath: string } }[] | undefined,
): void {
  for (const { fieldRef } of items ?? []) {
    if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
  }
}
