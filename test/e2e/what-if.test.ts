/** What another policy would do with a live cluster's pods: recorded and replayed, and in the shadow. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

/** Equal nodes are taken by name, so that a replay decides ties as the cluster has. */
const CONFIGURATION = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
  pluginConfig:
  - name: Skiff
    args: {tieBreak: name}
`;

interface Replayed {
  readonly pods: number;
  readonly wereThere: number;
  readonly live: { readonly placed: number };
  readonly replay: { readonly placed: number };
  readonly differences: readonly { readonly pod: string; readonly replay?: string }[];
  readonly resultHash: string;
}

describe('what if', () => {
  const lab = new TestLab();
  const running: ChildProcess[] = [];

  before(async () => {
    const file = path.join(lab.folder, 'scheduler.yaml');
    writeFileSync(file, CONFIGURATION);
    const simulated = ['--simulated', '6', '--simulated-capacity', 'cpu=4,memory=8Gi'];
    await lab.up('--nodes', '1', ...simulated, '--scheduler-config', file);
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await lab.down();
  });

  /** A command that goes on until it is interrupted; what it prints so far. */
  const start = (
    ...args: readonly string[]
  ): { readonly output: () => string; readonly end: () => Promise<number | null> } => {
    const child = spawn(SKIFF, [...args, '--name', lab.name], { env: lab.env });
    running.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return {
      output: () => text,
      end: async () => {
        child.kill('SIGINT');
        return await ended;
      },
    };
  };
  const apply = async (...pods: readonly object[]): Promise<void> => {
    const input = pods.map((pod) => JSON.stringify(pod)).join('\n---\n');
    const { code, stderr } = await lab.run(SKIFF, ['apply', '-f', '-'], { input });
    assert.equal(code, 0, stderr);
  };
  const pod = (name: string, cpu: string): object => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
    spec: {
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '1Gi' } } }],
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { type: 'simulated' },
    },
  });
  const bound = async (name: string): Promise<string> => {
    await eventually(`${name} has a node`, async () => {
      assert.ok((await lab.get<Pod>('pod', name)).spec.nodeName);
    });
    return (await lab.get<Pod>('pod', name)).spec.nodeName ?? '';
  };

  it('replays what it has recorded with the same nodes, and elsewhere under another policy', async () => {
    await apply(pod('there', '2'));
    await bound('there');
    const file = path.join(lab.folder, 'recording.json');
    const recording = start('sim', 'record', '-o', file);
    await eventually('it records', () => assert.match(recording.output(), /1 pods are there/));
    const cpus = ['1', '2', '1500m', '500m', '3', '1'];
    const nodes = new Map<string, string>();
    for (const [index, cpu] of cpus.entries()) {
      await apply(pod(`p${index}`, cpu));
      nodes.set(`default/p${index}`, await bound(`p${index}`));
      if (index === 2) await lab.kubectl('cordon', 'sim-6');
    }
    await apply(pod('huge', '100'));
    await lab.kubectl('delete', 'pod', 'p0', '--wait=true');
    assert.equal(await recording.end(), 0);
    assert.match(recording.output(), /recording\.json: 7 nodes, 7 pods came in .* 6 got a node\n$/);
    assert.match(readFileSync(file, 'utf8'), /"unschedulable":true/);

    const replay = async (...args: readonly string[]): Promise<Replayed> =>
      JSON.parse(await lab.skiff('sim', 'replay', file, '-o', 'json', ...args)) as Replayed;
    const same = await replay('--tie-break', 'name');
    assert.deepEqual([same.pods, same.wereThere, same.live.placed], [7, 1, 6]);
    assert.equal(same.replay.placed, 6);
    assert.deepEqual(same.differences, [], 'The default profile decides as it did');
    assert.equal((await replay('--tie-break', 'name')).resultHash, same.resultHash);

    const packed = await replay('--policy', path.resolve('policies/first-fit.ts'));
    assert.equal(packed.replay.placed, 6);
    assert.ok(packed.differences.length > 0);
    for (const one of packed.differences) assert.notEqual(one.replay, nodes.get(one.pod));
    const experiment = path.join(lab.folder, 'experiment.yaml');
    writeFileSync(
      experiment,
      `apiVersion: lab.skiff.dev/v1alpha1
kind: Experiment
cluster: { nodes: [{ recording: recording.json }] }
workload: { pods: [{ recording: recording.json }] }
policies: [{ default: true }, { file: ${path.resolve('policies/first-fit.ts')} }]
seeds: [1]
`,
    );
    const compared = await lab.skiff('sim', 'run', experiment);
    assert.match(compared, /nodes +7 of \d kinds\n +pods +8 of \d classes/);
    assert.match(compared, /default +first-fit/);

    const text = await lab.skiff('sim', 'replay', file, '--policy', 'policies/first-fit.ts');
    assert.match(text, /7 pods came, 1 were there\n/);
    assert.match(text, /^pods with a node +6 +6$/m);
    assert.match(text, /^default\/p\d +sim-\d +sim-\d +\S/m);
  });

  it('decides in the shadow of the live scheduler, and tells what would differ', async () => {
    const same = start('shadow', 'default', '--all', '--tie-break', 'name');
    const other = start('shadow', 'policies/first-fit.ts');
    for (const one of [same, other]) {
      await eventually('it decides', () =>
        assert.match(one.output(), /in the shadow; end it with/),
      );
    }
    for (const [index, cpu] of ['1', '500m', '1500m'].entries()) {
      await apply(pod(`s${index}`, cpu));
      await bound(`s${index}`);
    }
    await apply(pod('giant', '100'));
    for (const one of [same, other]) {
      const last =
        one === same ? /default\/giant: live no node, default no node; / : /default\/s2: /;
      await eventually('it has seen all', () => assert.match(one.output(), last));
      assert.equal(await one.end(), 0);
    }
    assert.match(same.output(), /^default\/s0: live (sim-\d), default \1; 0 of \d differ/m);
    assert.match(same.output(), /\n0 of [45] differ \(0\.0 %\)\n$/, 'It decides as the live one');
    assert.match(
      other.output(),
      /^default\/s\d: live sim-\d, first-fit sim-\d \(\S.*\); \d of \d differ/m,
    );
    assert.match(other.output(), /\n[123] of [345] differ \(\d+\.\d %\)\n/);
    const pods = await lab.get<{ items: readonly Pod[] }>('pods');
    const giant = pods.items.find(({ metadata }) => metadata.name === 'giant');
    assert.equal(giant?.spec.nodeName, undefined, 'Nothing is bound by a shadow');
  });

  it('ends with one line when the policy can not be loaded', async () => {
    const { code, stderr } = await lab.run(SKIFF, ['shadow', 'no-such.ts', '--name', lab.name]);
    assert.equal(code, 1);
    assert.match(stderr, /^skiff: policy file "no-such.ts" does not exist\n$/);
  });

  it('says what is wrong with a recording', async () => {
    const file = path.join(lab.folder, 'none.json');
    for (const [text, why] of [
      [undefined, /none\.json does not exist/],
      ['{}', /none\.json is no recording: "skiff sim record" writes one/],
    ] as const) {
      if (text !== undefined) writeFileSync(file, text);
      const { code, stderr } = await lab.run(SKIFF, ['sim', 'replay', file]);
      assert.notEqual(code, 0);
      assert.match(stderr, why);
    }
    const { code, stderr } = await lab.run(SKIFF, [
      'sim',
      'record',
      '-o',
      file,
      '--name',
      'no-such',
    ]);
    assert.equal(code, 2);
    assert.match(stderr, /lab "no-such" is not up/);
  });
});
