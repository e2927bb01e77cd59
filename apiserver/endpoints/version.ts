/**
 * GET /version. The minor is plain digits: clients and charts compare it as a number, and what follows
 * the plus sign of the gitVersion makes it neither older nor newer.
 *
 * Source: kubernetes/apimachinery pkg/version/types.go, v0.36.
 */

import { schemaVersion } from '../../proto/api/schema.ts';

export function versionInfo(): object {
  const version = schemaVersion();
  const [major = '', minor = ''] = version.split('.');
  return {
    major,
    minor,
    gitVersion: `v${version}+skiff`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
  };
}
