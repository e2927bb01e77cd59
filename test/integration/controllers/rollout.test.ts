/** Deployments from apply to rollback, through a real API server, scheduler and controllers. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Deployment, ReplicaSet } from '../../../proto/api/gen/apps-v1.ts';
import { deployments, events, pods, replicasets } from '../../../proto/api/gen/resources.ts';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const target = { namespace: 'default', name: 'web' };

function deployment(name: string, image: string, more: Partial<Deployment['spec']> = {}) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name },
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'c', image, resources: { requests: { cpu: '10m' } } }] },
      },
      ...more,
    },
  } as const;
}

function conditionOf(object: Deployment, type: string) {
  return object.status.conditions?.find((each) => each.type === type);
}

describe('Deployments', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ nodes: ['n1', 'n2', 'n3'], brokenLabel: 'broken' });
  });
  after(() => plane.stop());

  const get = (name = 'web') => plane.client.get(deployments, { namespace: 'default', name });
  const setsOf = async (app: string): Promise<readonly ReplicaSet[]> =>
    (
      await plane.client.list(replicasets, {
        namespace: 'default',
        labelSelector: `app=${app}`,
      })
    ).items;
  const isComplete = async (name = 'web'): Promise<Deployment> => {
    const now = await get(name);
    const { replicas = 1 } = now.spec;
    assert.equal(now.status.observedGeneration, now.metadata.generation);
    assert.equal(now.status.updatedReplicas, replicas);
    assert.equal(now.status.replicas, replicas);
    assert.equal(now.status.availableReplicas, replicas);
    assert.equal(conditionOf(now, 'Progressing')?.reason, 'NewReplicaSetAvailable');
    return now;
  };
  const setImage = (image: string) =>
    plane.client.patch(deployments, target, 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'c', image }] } } },
    });

  it('bring up their pods, spread over the nodes, and say so', async () => {
    await plane.client.create(deployments, deployment('web', 'one'));
    const done = await eventually('the first rollout', () => isComplete());
    assert.equal(done.metadata.annotations?.[REVISION], '1');
    assert.equal(conditionOf(done, 'Available')?.reason, 'MinimumReplicasAvailable');
    const { items } = await plane.client.list(pods, { labelSelector: 'app=web' });
    assert.equal(items.length, 4);
    assert.equal(new Set(items.map(({ spec }) => spec.nodeName)).size, 3);
    const [first] = items;
    assert.equal(first?.metadata.ownerReferences?.[0]?.kind, 'ReplicaSet');
    const scheduled = await eventually('the event Scheduled', async () => {
      const list = await plane.client.list(events, {
        namespace: 'default',
        fieldSelector: `involvedObject.name=${first?.metadata.name},reason=Scheduled`,
      });
      assert.equal(list.items.length, 1);
      return list.items[0];
    });
    const text = `Successfully assigned default/${first?.metadata.name} to ${first?.spec.nodeName}`;
    assert.equal(scheduled?.message, text);
  });

  it('roll over within maxSurge and maxUnavailable, and back to the old ReplicaSet', async () => {
    let most = 0;
    let fewestReady = Number.POSITIVE_INFINITY;
    plane.onPod((all) => {
      const active = all.filter(
        ({ metadata }) =>
          metadata.labels?.app === 'web' && metadata.deletionTimestamp === undefined,
      );
      const ready = active.filter(({ status }) =>
        status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
      );
      most = Math.max(most, active.length);
      fewestReady = Math.min(fewestReady, ready.length);
    });
    await setImage('two');
    const done = await eventually('the second rollout', async () => {
      const now = await isComplete();
      assert.equal(now.metadata.annotations?.[REVISION], '2');
      return now;
    });
    assert.ok(most <= 5, `There were ${most} pods`);
    assert.ok(fewestReady >= 3, `Only ${fewestReady} pods were ready`);
    const before = await setsOf('web');
    assert.deepEqual(before.map(({ spec }) => spec.replicas).sort(), [0, 4]);
    assert.equal(done.spec.template.spec?.containers[0]?.image, 'two');

    await setImage('one');
    await eventually('the rollback', async () => {
      assert.equal((await isComplete()).metadata.annotations?.[REVISION], '3');
    });
    const sets = await setsOf('web');
    assert.equal(sets.length, 2, 'The old ReplicaSet was used again');
    const current = sets.find(({ spec }) => spec.replicas === 4);
    assert.equal(current?.metadata.annotations?.[REVISION], '3');
    assert.equal(current?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1');
  });

  it('scale up and down', async () => {
    for (const replicas of [7, 2]) {
      const scale = { spec: { replicas } };
      await plane.client.patch(deployments, target, 'merge', scale, { subresource: 'scale' });
      await eventually(`${replicas} pods`, async () => {
        await isComplete();
        const { items } = await plane.client.list(pods, { labelSelector: 'app=web' });
        assert.equal(items.length, replicas);
      });
    }
  });

  it('stand still while paused', async () => {
    await plane.client.patch(deployments, target, 'merge', { spec: { paused: true } });
    await setImage('three');
    await eventually('paused', async () => {
      const now = await get();
      assert.equal(now.status.observedGeneration, now.metadata.generation);
      assert.equal(conditionOf(now, 'Progressing')?.reason, 'DeploymentPaused');
    });
    assert.equal((await setsOf('web')).length, 2);
    await plane.client.patch(deployments, target, 'merge', { spec: { paused: false } });
    await eventually('the third rollout', async () => {
      assert.equal((await isComplete()).metadata.annotations?.[REVISION], '4');
    });
  });

  it('keep as much history as they are told', async () => {
    await plane.client.patch(deployments, target, 'merge', { spec: { revisionHistoryLimit: 1 } });
    await eventually('one old ReplicaSet', async () => {
      assert.equal((await setsOf('web')).length, 2);
    });
  });

  it('keep the old pods, and tell, when the new ones do not become ready', async () => {
    await plane.client.create(
      deployments,
      deployment('stuck', 'one', { progressDeadlineSeconds: 1 }),
    );
    await eventually('the first rollout', () => isComplete('stuck'));
    const broken = { spec: { template: { metadata: { labels: { broken: 'yes' } } } } };
    const stuck = { namespace: 'default', name: 'stuck' };
    await plane.client.patch(deployments, stuck, 'strategic', broken);
    await eventually('the deadline', async () => {
      const now = await get('stuck');
      assert.equal(conditionOf(now, 'Progressing')?.reason, 'ProgressDeadlineExceeded');
      assert.equal(conditionOf(now, 'Available')?.status, 'True');
      assert.equal(now.status.availableReplicas, 3);
    });
  });

  it('recreate: no new pod before the last old one is gone', async () => {
    const strategy = { type: 'Recreate' } as const;
    await plane.client.create(deployments, deployment('again', 'one', { strategy }));
    await eventually('the first rollout', () => isComplete('again'));
    const images = new Set<string>();
    plane.onPod((all) => {
      const mine = all.filter(({ metadata }) => metadata.labels?.app === 'again');
      const seen = new Set(mine.map(({ spec }) => spec.containers[0]?.image ?? ''));
      if (seen.size > 1) images.add([...seen].join('+'));
    });
    await plane.client.patch(deployments, { ...target, name: 'again' }, 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'c', image: 'two' }] } } },
    });
    await eventually('the second rollout', async () => {
      assert.equal((await isComplete('again')).metadata.annotations?.[REVISION], '2');
    });
    assert.deepEqual([...images], []);
  });
});
