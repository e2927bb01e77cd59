/** A policy on its own copy of the cluster decides as the scheduler would on the original. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newNodeInfo } from '../../../scheduler/cache/node-info.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { newSnapshot } from '../../../scheduler/cache/snapshot.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { unresolvable } from '../../../scheduler/framework/status.ts';
import type { Policy } from '../../../scheduler/policy/policy.ts';
import { NO_PERMITS, policyProfile } from '../../../scheduler/policy/policy-profile.ts';
import { VOLUME_PLUGINS, volumeNodes } from '../../../scheduler/policy/volume-nodes.ts';
import type { ClusterChange } from '../../../scheduler/policy/worker/messages.ts';
import { PolicyCore } from '../../../scheduler/policy/worker/policy-core.ts';
import { decide } from '../../../scheduler/schedule-one.ts';
import { inertProfile, newContainer, newNode, newPod } from '../../support/scheduling-objects.ts';

const policy: Policy = { name: 'p', tieBreak: 'name' };
const cpu = (milli: number) => ({ containers: [newContainer({ cpu: `${milli}m` })] });

describe('PolicyCore', () => {
  it('decides as the scheduler’s own thread, whatever has happened before', () => {
    const step = fc.record({
      what: fc.constantFrom('node', 'gone', 'pod', 'over', 'decide'),
      index: fc.nat({ max: 5 }),
      milli: fc.integer({ min: 100, max: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const core = new PolicyCore(policy, 1, NO_PERMITS);
        const cache = new SchedulerCache();
        const { plugins, tieBreak } = policyProfile(policy, inertProfile(), { seed: 1 });
        const framework = new Framework('p', plugins);
        const placed: string[] = [];
        let startIndex = 0;
        const change = (one: ClusterChange): void => core.apply([structuredClone(one)]);
        for (const { what, index, milli } of steps) {
          const name = `n${index}`;
          switch (what) {
            case 'node': {
              const node = newNode(name, { cpu: `${milli}m` });
              cache.setNode(node);
              change({ kind: 'setNode', node });
              break;
            }
            case 'gone':
              cache.removeNode(name);
              change({ kind: 'removeNode', name });
              break;
            case 'pod': {
              const pod = newPod('q', { ...cpu(milli), nodeName: name });
              placed.push(pod.metadata.uid);
              cache.setPod(pod);
              change({ kind: 'setPod', pod });
              break;
            }
            case 'over': {
              const uid = placed[index % Math.max(1, placed.length)] ?? '';
              cache.removePod(uid);
              change({ kind: 'removePod', uid });
              break;
            }
            case 'decide': {
              const pod = newPod('d', cpu(milli));
              const options = { startIndex, percentageOfNodesToScore: 0, tieBreak };
              const here = decide(framework, cache.snapshot(), newPodInfo(pod), options);
              const there = core.decide(pod);
              assert.equal(there.kind, here.kind);
              if (here.kind === 'error') return;
              startIndex = here.nextStartIndex;
              if (here.kind !== 'node' || there.kind !== 'node') break;
              assert.equal(there.nodeName, here.nodeName);
              assert.deepEqual(
                there.scores.map(({ scores }) => [...scores]),
                here.scores.map(({ scores }) => [...scores]),
              );
              placed.push(pod.metadata.uid);
              cache.setPod({ ...pod, spec: { ...pod.spec, nodeName: here.nodeName } });
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('takes a pod’s reservation back when it is told so', () => {
    const core = new PolicyCore(policy, 1, NO_PERMITS);
    core.apply([{ kind: 'setNode', node: newNode('n1', { cpu: '1' }) }]);
    const pod = newPod('a', cpu(1_000));
    assert.equal(core.decide(pod).kind, 'node');
    assert.equal(core.decide(newPod('b', cpu(1_000))).kind, 'none');
    core.end('unreserve', pod.metadata.uid);
    assert.equal(core.decide(newPod('c', cpu(1_000))).kind, 'node');
  });

  it('names the plugin that threw', () => {
    const broken: Policy = {
      name: 'p',
      plugins: () => [
        {
          name: 'Broken',
          filter: () => {
            throw new RangeError('no');
          },
        },
      ],
    };
    const core = new PolicyCore(broken, 1, NO_PERMITS);
    core.apply([{ kind: 'setNode', node: newNode('n1') }]);
    assert.throws(() => core.decide(newPod('a')), /plugin "Broken" threw RangeError: no/);
  });

  it('puts a pod only where its volumes can be had', () => {
    const core = new PolicyCore(policy, 1, NO_PERMITS);
    for (const name of ['n1', 'n2', 'n3']) core.apply([{ kind: 'setNode', node: newNode(name) }]);
    const at = (nodes?: readonly string[]): unknown => {
      const outcome = core.decide(newPod('a'), nodes);
      return outcome.kind === 'node' ? outcome.nodeName : outcome.kind;
    };
    assert.equal(at(['n3']), 'n3');
    assert.equal(at([]), 'none');
    assert.equal(at(), 'n1');
  });
});

describe('volumeNodes', () => {
  const snapshot = newSnapshot(['n1', 'n2'].map((name) => newNodeInfo(newNode(name))));
  const plugins = inertProfile().map((configured) =>
    configured.plugin.name === 'VolumeZone'
      ? {
          plugin: {
            name: 'VolumeZone',
            filter: (_state: unknown, _pod: unknown, node: { readonly name: string }) =>
              node.name === 'n1' ? unresolvable('elsewhere') : undefined,
          },
        }
      : configured,
  );
  const framework = new Framework(
    'x',
    plugins.filter(({ plugin: { name } }) => name === 'VolumeZone' || !VOLUME_PLUGINS.has(name)),
  );
  const withVolume = (volume: object): Pod => newPod('p', { volumes: [{ name: 'v', ...volume }] });

  it('asks the plugins for volumes, when there are volumes that bind the pod to nodes', () => {
    const claim = withVolume({ persistentVolumeClaim: { claimName: 'c' } });
    assert.deepEqual(volumeNodes(framework, snapshot, newPodInfo(claim)), ['n2']);
    const scratch = withVolume({ emptyDir: {} });
    assert.equal(volumeNodes(framework, snapshot, newPodInfo(scratch)), undefined);
    assert.ok(inertProfile().filter(({ plugin }) => VOLUME_PLUGINS.has(plugin.name)).length === 4);
  });
});
