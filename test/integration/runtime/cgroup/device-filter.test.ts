/** The device filter of cgroup v2, attached for real: also a hybrid machine has a v2 hierarchy for it. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { attachDeviceFilter } from '../../../../agent/runtime/cgroup/device-filter.ts';
import { DEFAULT_DEVICE_RULES } from '../../../../agent/runtime/cgroup/device-rules.ts';
import { parseCgroupLayout } from '../../../../agent/runtime/cgroup/layout.ts';

const layout = parseCgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
const mount = layout?.kind === 'v2' ? layout.mount : layout?.unified;

describe('the device filter of cgroup v2', {
  skip: mount === undefined ? 'this machine has no cgroup v2 hierarchy' : false,
}, () => {
  const folder = `${mount}/skt-spawn-${randomBytes(4).toString('hex')}`;

  before(() => {
    mkdirSync(folder);
    attachDeviceFilter(folder, DEFAULT_DEVICE_RULES);
  });
  after(() => rmdirSync(folder));

  const inside = (command: string): string => {
    const script = `echo 0 >${folder}/cgroup.procs && { ${command}; } 2>&1`;
    return spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.trim();
  };

  it('lets the devices of every container be used', () => {
    assert.equal(
      inside('head -c 3 /dev/zero | wc -c; echo x >/dev/null && echo written'),
      '3\nwritten',
    );
  });

  it('lets no other be opened', () => {
    assert.match(inside('head -c 1 /dev/kmsg'), /Operation not permitted/);
  });
});
