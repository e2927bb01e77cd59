/** A policy of one's own in a lab, and why pods are where they are: our verbs beside a real kubectl. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Event, Pod } from '../../proto/api/gen/core-v1.ts';
import type { PodExplanation } from '../../proto/scheduler/explanation.ts';
import { eventually } from '../support/eventually.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

describe('a policy in a lab', () => {
  const lab = new TestLab();
  const file = path.join(lab.folder, 'mine.ts');

  before(async () => {
    assert.match(
      await lab.skiff('policy', 'new', 'mine', '--dir', lab.folder),
      /^Wrote .*mine\.ts/,
    );
    // Nodes by name, the last one first: what no default plugin would do.
    const text = readFileSync(file, 'utf8').replace(
      /return node\.allocatable\.memory === 0.*/,
      "return Number(node.name.split('-')[1]);",
    );
    writeFileSync(file, text);
    await lab.up('--nodes', '2', '--policy', file);
  });
  after(() => lab.down());

  const run = async (name: string, cpu: string, more: object = {}): Promise<void> => {
    const resources = { requests: { cpu } };
    const container = { name: 'c', image: 'skiff/host', command: ['sleep', '1000'], resources };
    const spec = { terminationGracePeriodSeconds: 0, containers: [container], ...more };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
    const created = await lab.run(SKIFF, ['apply', '-f', '-'], { input: JSON.stringify(pod) });
    assert.equal(created.code, 0, created.stderr);
  };
  const decided = async (name: string): Promise<Pod> => {
    let pod: Pod | undefined;
    await eventually(`${name} is decided`, async () => {
      pod = await lab.get<Pod>('pod', name);
      assert.ok(pod.status.conditions?.some(({ type }) => type === 'PodScheduled'));
    });
    assert.ok(pod !== undefined);
    return pod;
  };
  const warnings = async (reason: string): Promise<string> => {
    const { items } = await lab.get<{ items: readonly Event[] }>('events', '-A');
    return items
      .filter((event) => event.reason === reason)
      .map(({ message }) => message ?? '')
      .join('\n');
  };

  it('decides for the pods that name it, and skiff why shows its points', async () => {
    await run('chosen', '10m', { schedulerName: 'mine' });
    assert.equal((await decided('chosen')).spec.nodeName, 'node-2');
    const text = await lab.skiff('why', 'chosen');
    assert.match(
      text,
      /is on node-2 \(profile mine, decided .*\n2 nodes were scored; node-2 won, 1 ahead of node-1\./,
    );
    assert.match(text, /NODE +TOTAL +FreeMemory x1\nnode-2 +2 +2\nnode-1 +1 +1\n/);
    const whyNot = await lab.skiff('why-not', 'chosen', 'node-1');
    assert.match(whyNot, /node-1 has 1 points, 1 less than node-2/);
    assert.match(await lab.skiff('policy', 'ls'), /mine +running +1 +0 +\/.*mine\.ts/);
  });

  it('what skiff why says would help, helps', async () => {
    await lab.kubectl('cordon', 'node-2');
    await lab.kubectl('taint', 'node', 'node-1', 'dedicated=gpu:NoSchedule');
    await run('held', '10m', { nodeSelector: { disk: 'ssd' } });
    assert.equal((await decided('held')).spec.nodeName, undefined);
    const told = JSON.parse(await lab.skiff('why', 'held', '-o', 'json')) as PodExplanation;
    assert.equal(told.state, 'pending');
    assert.deepEqual(
      told.remedies.map(({ changes }) => changes),
      [
        ['uncordon node node-2', 'add label disk=ssd to node-2'],
        ['tolerate dedicated=gpu:NoSchedule', 'add label disk=ssd to node-1'],
      ],
    );
    assert.match(
      await lab.skiff('why-not', 'held', 'node-1'),
      /node-1 turns it down: TaintToleration: .*; NodeAffinity: /,
    );
    await lab.kubectl('uncordon', 'node-2');
    await lab.kubectl('label', 'node', 'node-2', 'disk=ssd');
    await eventually('held has a node', async () => {
      assert.equal((await lab.get<Pod>('pod', 'held')).spec.nodeName, 'node-2');
    });
    await lab.kubectl('taint', 'node', 'node-1', 'dedicated-');
  });

  it('is loaded anew when it is saved, and stopped by name when it loops', async () => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace("return Number(node.name.split('-')[1]);", 'for (;;) {}'));
    await eventually('the new version is loaded', async () =>
      assert.match(await warnings('PolicyReloaded'), /policy "mine"/),
    );
    await run('looped', '10m', { schedulerName: 'mine' });
    await run('beside', '10m');
    assert.notEqual((await decided('beside')).spec.nodeName, undefined);
    assert.notEqual((await decided('looped')).spec.nodeName, undefined);
    await eventually('events tell it', async () => {
      const told = await warnings('PolicyStopped');
      assert.match(told, /policy "mine" was stopped: it took longer than 3 s for a decision/);
      assert.match(told, /the default profile decides in its place/);
    });
    writeFileSync(
      file,
      text.replace("Number(node.name.split('-')[1])", "node.name === 'node-1' ? 9 : 0"),
    );
    await eventually('the mended version is loaded', async () => {
      const states = await lab.skiff('policy', 'ls');
      assert.match(states, /mine +running/);
      await run('mended', '10m', { schedulerName: 'mine' });
      const { spec } = await decided('mended');
      if (spec.nodeName === 'node-1') return;
      await lab.kubectl('delete', 'pod', 'mended', '--wait=true');
      assert.fail(`mended is on ${spec.nodeName}`);
    });
  });

  it('a policy that is not one is refused before anything is started', async () => {
    const bad = path.join(lab.folder, 'bad.ts');
    writeFileSync(bad, "export const policy = { name: 'bad', plugins: () => [{ name: 'X' }] };\n");
    const { code, stderr } = await lab.run(SKIFF, [
      'up',
      '--name',
      `${lab.name}b`,
      '--policy',
      bad,
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /bad\.ts: plugin "X" has no extension point/);
  });
});
