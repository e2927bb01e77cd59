/** An up that can't be completed says why, in one line, and is cleaned up by down. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { SKIFF, TestLab } from '../support/test-lab.ts';

describe('skiff up that fails', () => {
  const lab = new TestLab();
  after(() => lab.down());

  const up = (input: string, ...flags: readonly string[]) => {
    const args = ['up', '--name', lab.name, '--data-dir', lab.dataDir, '--nodes', '1', ...flags];
    return lab.run(SKIFF, [...args, '-f', '-'], { input });
  };

  it('starts nothing for a file with a mistake', async () => {
    const { code, stdout, stderr } = await up('kind: Pod\nmetadata: {}\n');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^skiff: standard input: apiVersion not set in a Pod\n$/);
  });

  it('names what is not ready in time, and where the logs are', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'never' },
      spec: {
        terminationGracePeriodSeconds: 0,
        nodeSelector: { color: 'none' },
        containers: [{ name: 'c', image: 'skiff/host', command: ['sleep', '1000'] }],
      },
    };
    const { code, stdout, stderr } = await up(
      JSON.stringify(pod),
      '--timeout',
      '10',
      '--port',
      '7443',
    );
    assert.equal(code, 1);
    assert.match(stdout, /✓ API server: https:\/\/10\.\d+\.0\.1:7443/);
    assert.match(stdout, /✗ Pod never ready/);
    assert.match(stdout, new RegExp(`its logs are in ${lab.dataDir}/logs`));
    assert.match(
      stderr,
      /^skiff: Pod "never" is not ready in time: 0\/1 nodes are available: 1 node\(s\) didn't match/,
    );
    assert.equal(stderr.trim().split('\n').length, 1);
  });

  it('refuses a kind that is not there by name', async () => {
    const { code, stderr } = await up('apiVersion: v1\nkind: Foo\nmetadata: {name: a}\n');
    assert.equal(code, 2);
    assert.match(stderr, /no matches for kind "Foo" in version "v1"/);
  });
});
