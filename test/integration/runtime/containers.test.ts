/** Containers of the real spawner, over the host's root: what they see, what they may, how they end. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { notHere, SpawnerHarness } from '../../support/spawner-harness.ts';

describe('a container', { skip: notHere }, () => {
  let harness: SpawnerHarness;

  before(async () => {
    harness = await SpawnerHarness.start();
    await harness.createSandbox();
  });
  after(() => harness.stop());

  it('sees itself as process 1 and nothing else but what it started', async () => {
    const output = await harness.outputOf('ps -e -o pid,comm --no-headers');
    assert.deepEqual(
      output.split('\n').map((line) => line.trim().split(/\s+/)[1]),
      ['sh', 'ps'],
    );
    assert.match(output, /^\s*1 sh/);
  });

  it('has the host name of its pod', async () => {
    assert.equal(await harness.outputOf('hostname'), 'pod');
  });

  it('has a network of its own: only loopback, which is up', async () => {
    assert.equal(await harness.outputOf('ls /sys/class/net'), 'lo');
    assert.match(await harness.outputOf('ip -o addr show lo'), /127\.0\.0\.1\/8/);
  });

  it('sees no mount of the host', async () => {
    const types = await harness.outputOf("awk '{print $9}' /proc/self/mountinfo | sort -u");
    const roots = await harness.outputOf('awk \'$5 == "/" {print $9}\' /proc/self/mountinfo');
    assert.equal(roots, 'overlay');
    assert.doesNotMatch(types, /ext4|xfs|btrfs/);
  });
});
