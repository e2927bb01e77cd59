import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  parseCgroups,
  parseIdMap,
  parseMountinfo,
  parseStatus,
} from '../../../lab/inspect/process-facts.ts';

describe('the facts of a process', () => {
  it('are its numbers, credentials and filters', () => {
    const status = parseStatus(
      [
        'Name:\tsleep',
        'Uid:\t1000\t1001\t1000\t1000',
        'Gid:\t5\t6\t5\t5',
        'Groups:\t6 44 ',
        'NSpid:\t4711\t1',
        'CapInh:\t0000000000000000',
        'CapPrm:\t0000000000003000',
        'CapEff:\t0000000000002001',
        'CapBnd:\t00000000a80425fb',
        'CapAmb:\t0000000000000000',
        'NoNewPrivs:\t1',
        'Seccomp:\t2',
        'Seccomp_filters:\t3',
      ].join('\n'),
    );
    assert.deepEqual([status.uid, status.gid, status.groups], [1001, 6, [6, 44]]);
    assert.deepEqual(status.pids, [4711, 1]);
    assert.deepEqual(status.capabilities.effective, ['CHOWN', 'NET_RAW']);
    assert.deepEqual(status.capabilities.permitted, ['NET_ADMIN', 'NET_RAW']);
    assert.deepEqual(status.capabilities.inheritable, []);
    assert.equal(status.capabilities.bounding.length, 14);
    assert.deepEqual([status.noNewPrivileges, status.seccomp], [true, 'filter']);
    assert.equal(status.seccompFilters, 3);
  });

  it('are its mounts, also with blanks in their names', () => {
    const [root, volume] = parseMountinfo(
      [
        '700 600 0:50 / / rw,relatime - overlay overlay rw,lowerdir=a:b,upperdir=/u,workdir=/w',
        '701 700 8:1 /data/my\\040files /mnt/a\\040b ro,nosuid shared:3 - ext4 /dev/sda1 rw',
        '',
      ].join('\n'),
    );
    assert.deepEqual(root?.options, ['rw', 'lowerdir=a:b', 'upperdir=/u', 'workdir=/w']);
    assert.equal(root?.isReadonly, false);
    assert.deepEqual(
      [volume?.target, volume?.root, volume?.type, volume?.isReadonly],
      ['/mnt/a b', '/data/my files', 'ext4', true],
    );
  });

  it('are its cgroups of both versions, and the ids it maps', () => {
    assert.deepEqual(parseCgroups('4:cpu,cpuacct:/a/b\n1:name=systemd:/s:1\n0::/u\n'), [
      { controllers: 'cpu,cpuacct', path: '/a/b' },
      { controllers: 'name=systemd', path: '/s:1' },
      { controllers: '', path: '/u' },
    ]);
    assert.deepEqual(parseIdMap('         0     131072      65536\n'), [[0, 131_072, 65_536]]);
  });
});
