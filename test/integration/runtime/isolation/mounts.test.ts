/** What of a mount goes from the host to a container and back, and what below it is read-only. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Input, Mount } from '../../../../proto/cri/types.ts';
import { RuntimeNode } from '../../../support/runtime-node.ts';
import { runShell } from '../../../support/security-pods.ts';
import { notHere } from '../../../support/spawner-harness.ts';

describe('mounts of a container', { skip: notHere }, () => {
  let node: RuntimeNode;
  let sandbox: string;
  const mounted: string[] = [];
  before(async () => {
    node = new RuntimeNode();
    await node.start();
    sandbox = await node.runSandbox({
      linux: { security_context: { privileged: true, namespace_options: { pid: 'CONTAINER' } } },
    });
  });
  after(async () => {
    for (const point of mounted.toReversed()) spawnSync('umount', ['--lazy', point]);
    await node.close();
  });

  const mount = (point: string, ...args: readonly string[]): void => {
    mkdirSync(point, { recursive: true });
    execFileSync('mount', [...args, point]);
    mounted.push(point);
  };
  /** A mount of its own whose changes are told to its peers. */
  const sharedFolder = (): string => {
    const folder = mkdtempSync(path.join(node.folder, 'shared-'));
    mount(folder, '-t', 'tmpfs', 'none');
    execFileSync('mount', ['--make-shared', folder]);
    return folder;
  };
  const privileged = { privileged: true } as const;

  it('are read-only with all below when that is asked for, else only themselves', async () => {
    const folder = mkdtempSync(path.join(node.folder, 'below-'));
    mount(path.join(folder, 'sub'), '-t', 'tmpfs', 'none');
    const writes = async (changes: Input<Mount>): Promise<string> => {
      const mounts = [{ container_path: '/m', host_path: folder, readonly: true, ...changes }];
      const script = 'touch /m/x 2>&1 && echo top; touch /m/sub/x 2>&1 && echo below; true';
      return (await runShell(node, sandbox, script, {}, { mounts })).output;
    };
    const onlyTop = await writes({});
    assert.match(onlyTop, /^[^\n]*Read-only file system\nbelow$/);
    const all = await writes({ recursive_read_only: true });
    assert.match(all, /^[^\n]*Read-only file system\n[^\n]*Read-only file system$/);
  });

  const start = async (folder: string, propagation: Mount['propagation']): Promise<string> =>
    node.startContainer(sandbox, ['/bin/sleep', '1000'], {
      metadata: { name: propagation, attempt: 0 },
      linux: { security_context: { namespace_options: { pid: 'CONTAINER' }, ...privileged } },
      mounts: [{ container_path: '/m', host_path: folder, propagation }],
    });
  const run = async (id: string, script: string): Promise<string> => {
    const cmd = ['/bin/sh', '-c', script];
    const { stdout, stderr } = await node.client.execSync({ container_id: id, cmd, timeout: 10 });
    return `${stdout}${stderr}`.trim();
  };

  it('see later mounts of the host, and tell it of theirs, by their propagation', async () => {
    const cases = [
      ['PROPAGATION_PRIVATE', false, false],
      ['PROPAGATION_HOST_TO_CONTAINER', true, false],
      ['PROPAGATION_BIDIRECTIONAL', true, true],
    ] as const;
    for (const [propagation, isSeenInside, isSeenOutside] of cases) {
      const folder = sharedFolder();
      mkdirSync(path.join(folder, 'inner'));
      const id = await start(folder, propagation);
      mount(path.join(folder, 'late'), '-t', 'tmpfs', 'none');
      execFileSync('touch', [path.join(folder, 'late', 'file')]);
      const inside = await run(id, 'test -e /m/late/file && echo seen || echo hidden');
      assert.equal(inside, isSeenInside ? 'seen' : 'hidden', propagation);
      await run(id, 'mount -t tmpfs none /m/inner && touch /m/inner/file');
      const outside = existsSync(path.join(folder, 'inner', 'file'));
      if (outside) mounted.push(path.join(folder, 'inner'));
      assert.equal(outside, isSeenOutside, propagation);
      await node.client.removeContainer({ container_id: id });
    }
  });

  it('of the root are not told to the host', async () => {
    const script =
      'mkdir -p /mnt/own && mount -t tmpfs only-inside /mnt/own && grep -c only-inside /proc/self/mounts';
    assert.equal((await runShell(node, sandbox, script, privileged)).output, '1');
    assert.doesNotMatch(
      execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' }),
      /only-inside/,
    );
  });
});
