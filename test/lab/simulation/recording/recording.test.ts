import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replayLines } from '../../../../lab/simulation/recording/print-replay.ts';
import { Recorder } from '../../../../lab/simulation/recording/recorder.ts';
import {
  formatRecording,
  parseRecording,
  type Recording,
} from '../../../../lab/simulation/recording/recording.ts';
import { type Replay, replay } from '../../../../lab/simulation/recording/replay.ts';
import type { Node, Pod } from '../../../../proto/api/gen/core-v1.ts';
import { matchesLabels } from '../../../../proto/api/label-selector.ts';

function node(name: string, cpu: string, more: Partial<Node['spec']> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: more,
    status: { allocatable: { cpu, memory: '8Gi', pods: '110' } },
  } as unknown as Node;
}

function pod(name: string, cpu: string, more: Partial<Pod['spec']> = {}): Pod {
  const container = { name: 'c', image: 'i', resources: { requests: { cpu } } };
  const mount = { name: `token-${name}`, mountPath: '/t' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, labels: { app: 'a' } },
    spec: {
      containers: [{ ...container, volumeMounts: [mount] }],
      volumes: [{ name: `token-${name}`, emptyDir: {} }],
      ...more,
    },
    status: { phase: 'Pending' },
  } as unknown as Pod;
}

function on(one: Pod, nodeName: string, phase: Pod['status']['phase'] = 'Running'): Pod {
  return { ...one, spec: { ...one.spec, nodeName }, status: { phase } };
}

/** Two nodes of 4 CPUs; `there` fills half of n1 until it is deleted; three pods come, one ends. */
function recorded(): Recording {
  const recorder = new Recorder(() => undefined);
  for (const name of ['n1', 'n2']) recorder.seeNode(node(name, '4'), 0);
  const there = on(pod('there', '2'), 'n1');
  recorder.seePod(there, 0);
  recorder.seePod(on(pod('over', '2'), 'n1', 'Succeeded'), 0);
  for (const [index, to] of ['n2', 'n1', 'n2'].entries()) {
    const come = pod(`p${index}`, '2');
    recorder.seePod(come, 1_000 * (index + 1));
    recorder.seePod(on(come, to), 1_000 * (index + 1) + 20);
  }
  recorder.seePod(on(pod('p0', '2'), 'n2', 'Succeeded'), 5_000);
  recorder.losePod(there, 6_000);
  return recorder.take('2026-01-01T00:00:00.000Z', 10_000);
}

async function replayed(recording: Recording): Promise<Replay> {
  const policy = { name: 'default', description: '', kind: 'default' } as const;
  return await replay(recording, { policy, tieBreak: 'name', seed: 1 }, { monotonicMs: () => 0 });
}

describe('a recording', () => {
  it('has what came, where it went and when it ended', () => {
    const { nodes, nodeEvents, templates, pods } = recorded();
    assert.deepEqual(
      nodes.map(({ metadata }) => metadata.name),
      ['n1', 'n2'],
    );
    assert.deepEqual(nodeEvents, []);
    assert.equal(templates.length, 1, 'Equal pods have one template: their volumes do not count');
    assert.deepEqual(pods, [
      {
        name: 'default/there',
        template: 0,
        arrivalMs: 0,
        node: 'n1',
        boundMs: 0,
        isPlaced: true,
        endMs: 6_000,
      },
      {
        name: 'default/p0',
        template: 0,
        arrivalMs: 1_000,
        isPlaced: false,
        node: 'n2',
        boundMs: 1_020,
        endMs: 5_000,
      },
      {
        name: 'default/p1',
        template: 0,
        arrivalMs: 2_000,
        isPlaced: false,
        node: 'n1',
        boundMs: 2_020,
      },
      {
        name: 'default/p2',
        template: 0,
        arrivalMs: 3_000,
        isPlaced: false,
        node: 'n2',
        boundMs: 3_020,
      },
    ]);
  });

  it('has what became of nodes, and only what matters of it', () => {
    const recorder = new Recorder(() => undefined);
    recorder.seeNode({ ...node('young', '4'), status: {} }, 0);
    recorder.seeNode(node('n1', '4'), 0);
    const beat = node('n1', '4');
    recorder.seeNode({ ...beat, metadata: { ...beat.metadata, resourceVersion: '2' } }, 1_000);
    recorder.seeNode(node('n1', '4', { unschedulable: true }), 2_000);
    recorder.seeNode(node('young', '4'), 3_000);
    recorder.loseNode('n1', 4_000);
    recorder.loseNode('n1', 4_001);
    const { nodes, nodeEvents } = recorder.take('', 5_000);
    assert.equal(nodes.length, 2);
    assert.deepEqual(
      nodeEvents.map(({ atMs, name, node: one }) => [atMs, name, one?.spec]),
      [
        [2_000, 'n1', { unschedulable: true }],
        [3_000, 'young', {}],
        [4_000, 'n1', undefined],
      ],
    );
  });

  it('survives its file, and refuses what is none', () => {
    const recording = recorded();
    assert.deepEqual(
      parseRecording(formatRecording(recording), 'f'),
      JSON.parse(JSON.stringify(recording)),
    );
    for (const text of ['', '{}', '[1]', '{"kind":"Recording"}']) {
      assert.throws(() => parseRecording(text, 'f'), /f is no recording/);
    }
    const damaged = formatRecording({ ...recording, templates: [] });
    assert.throws(() => parseRecording(damaged, 'f'), /damaged/);
  });
});

describe('a replay', () => {
  it('puts those that were there where they were, and decides for the others', async () => {
    const result = await replayed(recorded());
    assert.deepEqual(result.differences, [], 'The recording is what the default profile does');
    assert.deepEqual([result.pods, result.wereThere, result.replay.placed], [3, 1, 3]);
    assert.deepEqual(result.live.waitsMs, [20, 20, 20]);
    assert.deepEqual(result.replay.waitsMs, [0, 0, 0]);
    assert.equal((await replayed(recorded())).resultHash, result.resultHash);
  });

  it('tells which pods would be elsewhere, and why', async () => {
    const recording = recorded();
    const pods = recording.pods.map((one) =>
      one.name === 'default/p0' ? { ...one, node: 'n1' } : one,
    );
    const result = await replayed({ ...recording, pods });
    const [first] = result.differences;
    assert.equal(first?.pod, 'default/p0');
    assert.deepEqual([first?.live, first?.replay, first?.because.kind], ['n1', 'n2', 'points']);
    const lines = replayLines(result, { file: 'f.json' }).join('\n');
    assert.match(lines, /^On other nodes: 1 of 3 pods \(33\.3 %\)$/m);
    assert.match(lines, /^default\/p0 +n1 +n2 +\w+ \+[\d.]+$/m);
  });

  it('follows nodes that come, change and go', async () => {
    const recorder = new Recorder(() => undefined);
    recorder.seeNode(node('n1', '4'), 0);
    const come = (name: string, atMs: number): void => recorder.seePod(pod(name, '3'), atMs);
    come('first', 1);
    come('waits', 1_000);
    recorder.seeNode(node('n2', '4'), 5_000);
    recorder.loseNode('n1', 6_000);
    recorder.seeNode(node('n2', '4', { unschedulable: true }), 7_000);
    come('late', 8_000);
    recorder.seeNode(node('n3', '4'), 60_000);
    const result = await replayed(recorder.take('', 70_000));
    assert.deepEqual(
      result.differences.map(({ pod: name, replay: to }) => [name, to]),
      [
        ['default/first', 'n1'],
        ['default/waits', 'n2'],
        ['default/late', 'n3'],
      ],
    );
    const [, waited = 0, late = 0] = result.replay.waitsMs;
    assert.ok(waited >= 4_000 && waited < 20_000, `n2 came after 4 s, back-off aside: ${waited}`);
    assert.ok(late >= 52_000 && late < 70_000, String(late));
  });

  it('spreads pods of one service as in the cluster', async () => {
    const peers = [{ key: 'app', operator: 'in', values: ['a'] }] as const;
    assert.ok(matchesLabels(peers, { app: 'a' }));
    const recorder = new Recorder(() => peers);
    // The larger node would get all of them but for the spreading.
    recorder.seeNode(node('large', '64'), 0);
    recorder.seeNode(node('small', '16'), 0);
    for (let index = 0; index < 6; index += 1) recorder.seePod(pod(`p${index}`, '100m'), index + 1);
    const result = await replayed(recorder.take('', 100));
    const small = result.differences.filter((one) => one.replay === 'small');
    assert.equal(small.length, 3);
  });

  it('says what it can not replay', async () => {
    const empty = new Recorder(() => undefined).take('', 1);
    await assert.rejects(replayed(empty), /the recording has no nodes/);
    const recorder = new Recorder(() => undefined);
    recorder.seeNode(node('n1', '4'), 0);
    await assert.rejects(replayed(recorder.take('', 1)), /the recording has no pods/);
  });
});
