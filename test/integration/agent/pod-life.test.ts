import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { newContainer, newPod } from '../../agent/pod-builder.ts';
import { PodHarness } from './pod-harness.ts';

describe('the life of a pod', () => {
  let h: PodHarness;

  beforeEach(async () => {
    h = await PodHarness.create();
  });
  afterEach(() => h.close());

  async function startPod(pod = newPod()): Promise<void> {
    h.api.put(pod);
    await h.until('Running', () => h.status().phase === 'Running');
  }

  it('runs, with one status write, and says what happened', async () => {
    await startPod();
    assert.equal(h.api.writes, 1);
    const status = h.status();
    assert.equal(status.podIP, '10.0.0.1');
    assert.equal(status.containerStatuses?.[0]?.ready, true);
    assert.deepEqual(h.events, [
      'Pulled: Container image "app:1" already present on machine',
      'Created: Created container: app',
      'Started: Started container app',
    ]);
  });

  it('shows ContainerCreating when the start takes its time', async () => {
    h.cri.failNext('runPodSandbox', 'UNAVAILABLE', 'not yet');
    h.api.put(newPod());
    await h.until('asked', () => h.cri.calls.includes('runPodSandbox'));
    await h.clock.advance(200);
    await h.until('a first status', () => h.status().phase === 'Pending');
    assert.equal(h.status().containerStatuses?.[0]?.state?.waiting?.reason, 'ContainerCreating');
    await h.clock.advance(1_000);
    await h.until('Running', () => h.status().phase === 'Running');
  });

  it('restarts a crashed container with back-off, and keeps its last state', async () => {
    await startPod();
    h.cri.exit('app', 3);
    await h.until('second run', () => h.cri.starts.length === 2);
    await h.until('count', () => h.status().containerStatuses?.[0]?.restartCount === 1);
    h.cri.exit('app', 4);
    await h.until('back-off', () => {
      return h.status().containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff';
    });
    const [status] = h.status().containerStatuses ?? [];
    assert.equal(
      status?.state?.waiting?.message,
      'back-off 10s restarting failed container=app pod=web_default(uid-1)',
    );
    assert.equal(status?.lastState?.terminated?.exitCode, 4);
    await h.clock.advance(9_000);
    assert.equal(h.cri.starts.length, 2);
    await h.clock.advance(1_000);
    await h.until('third run', () => h.cri.starts.length === 3);
    assert.deepEqual(h.cri.starts, ['app#0', 'app#1', 'app#2']);
  });

  it('ends a pod that is done, and frees all but its records', async () => {
    await startPod(newPod({ restartPolicy: 'Never' }));
    h.cri.exit('app', 0);
    await h.until('Succeeded', () => h.status().phase === 'Succeeded');
    await h.until('sandbox stopped', () => [...h.cri.sandboxes.values()].every((s) => !s.ready));
    await h.until('no cgroup', () => h.cgroups.size === 0);
    assert.equal(h.cri.containers.size, 1);
    assert.equal(h.cri.starts.length, 1);
  });

  it('is deleted within its grace and leaves nothing', async () => {
    h.cri.stubborn.add('app');
    await startPod();
    h.api.requestDelete('default/web', 10, h.clock.wallMs());
    await h.until('stopping', () => h.cri.stops.length === 1);
    assert.deepEqual(h.cri.stops, ['app 10']);
    await h.clock.advance(9_000);
    assert.deepEqual(h.cri.running(), ['app']);
    await h.clock.advance(1_000);
    await h.until('deleted', () => h.api.pods.size === 0 && h.cri.sandboxes.size === 0);
    await h.until('logs removed', () => !existsSync(h.paths.podLogs(newPod())));
    assert.equal(h.cri.containers.size, 0);
    assert.equal(h.cgroups.size, 0);
    assert.ok(!existsSync(h.paths.pod('uid-1')));
    const last = h.api.statuses.get('uid-1')?.at(-1);
    assert.equal(last?.phase, 'Failed');
    assert.equal(last?.containerStatuses?.[0]?.state?.terminated?.exitCode, 137);
  });

  it('is deleted sooner when the grace is shortened', async () => {
    h.cri.stubborn.add('app');
    await startPod();
    h.api.requestDelete('default/web', 300, h.clock.wallMs());
    await h.until('stopping', () => h.cri.stops.length === 1);
    h.api.requestDelete('default/web', 3, h.clock.wallMs());
    await h.until('again', () => h.cri.stops.length === 2);
    assert.deepEqual(h.cri.stops, ['app 300', 'app 3']);
    await h.clock.advance(3_000);
    await h.until('deleted', () => h.api.pods.size === 0 && h.cri.sandboxes.size === 0);
  });

  it('is killed at once by a forced deletion', async () => {
    h.cri.stubborn.add('app');
    await startPod();
    h.api.requestDelete('default/web', 0, h.clock.wallMs());
    await h.until('gone', () => h.cri.sandboxes.size === 0);
    assert.deepEqual(h.cri.stops, ['app 0']);
  });

  it('runs preStop once, within the grace', async () => {
    const hook = Promise.withResolvers<number>();
    h.cri.exec = () => hook.promise;
    const preStop = { exec: { command: ['drain'] } };
    await startPod(newPod({ containers: [newContainer('app', { lifecycle: { preStop } })] }));
    h.api.requestDelete('default/web', 30, h.clock.wallMs());
    await h.until('hook', () => h.cri.execs.length === 1);
    await h.clock.advance(20_000);
    assert.deepEqual(h.cri.stops, []);
    h.api.requestDelete('default/web', 25, h.clock.wallMs());
    await h.clock.advance(1_000);
    hook.resolve(0);
    await h.until('stopped', () => h.cri.stops.length === 1);
    assert.deepEqual(h.cri.execs, ['drain']);
    assert.deepEqual(h.cri.stops, ['app 4']);
  });

  it('adopts what runs after a restart: nothing starts twice, no exit is lost', async () => {
    await startPod();
    h.cri.exit('app', 1);
    await h.until('second run', () => h.status().containerStatuses?.[0]?.restartCount === 1);
    await h.restart();
    await h.until('looked', () => h.cri.calls.slice(-5).includes('listContainers'));
    await h.clock.advance(5_000);
    assert.deepEqual(h.cri.starts, ['app#0', 'app#1']);
    await h.stop();
    h.cri.exit('app', 7);
    await h.restart();
    await h.until('third run', () => h.cri.starts.length === 3);
    await h.until('count', () => h.status().containerStatuses?.[0]?.restartCount === 2);
    assert.equal(h.status().containerStatuses?.[0]?.lastState?.terminated?.exitCode, 7);
  });

  it('asserts the status again when the API shows another', async () => {
    await startPod();
    const pod = h.api.pods.get('default/web') ?? newPod();
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready'
        ? { ...condition, status: 'False', reason: 'NodeNotReady' }
        : condition,
    );
    h.api.put({ ...pod, status: { ...pod.status, conditions } });
    await h.until('Ready again', () => {
      const ready = h.status().conditions?.find(({ type }) => type === 'Ready');
      return (ready?.status === 'True' && ready.reason === undefined) || ready?.reason === null;
    });
  });

  it('changes nothing on the node while the API is away, and reports after', async () => {
    await startPod();
    h.api.isDown = true;
    h.cri.exit('app', 1);
    await h.until('restarted', () => h.cri.starts.length === 2);
    await h.clock.advance(60_000);
    assert.deepEqual(h.cri.running(), ['app']);
    h.api.isDown = false;
    await h.clock.advance(10_000);
    await h.until('reported', () => h.status().containerStatuses?.[0]?.restartCount === 1);
  });

  it('waits for a missing ConfigMap and starts when it is there', async () => {
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } }];
    h.api.put(newPod({ containers: [newContainer('app', { env })] }));
    await h.until('config error', () => {
      const reason = h.status().containerStatuses?.[0]?.state?.waiting?.reason;
      return reason === 'CreateContainerConfigError';
    });
    const message = h.status().containerStatuses?.[0]?.state?.waiting?.message;
    assert.equal(message, 'configmap "settings" not found');
    const metadata = { ...newPod().metadata, name: 'settings' };
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } };
    h.api.objects.set('configmaps/default/settings', map);
    await h.clock.advance(20_000);
    await h.until('Running', () => h.status().phase === 'Running');
    const [container] = [...h.cri.containers.values()];
    const entry = container?.config.envs?.find(({ key }) => key === 'A');
    assert.equal(String(entry?.value), 'b');
  });

  it('refuses a volume it cannot make by name', async () => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'mine' } }];
    h.api.put(newPod({ volumes }));
    await h.until('an event', () => h.events.some((event) => event.startsWith('FailedMount')));
    const text = 'volume "data": persistentVolumeClaim is not supported';
    assert.deepEqual(h.events[0], `FailedMount: MountVolume.SetUp failed: ${text}`);
    await h.clock.advance(200);
    await h.until('Pending', () => h.status().phase === 'Pending');
    assert.equal(h.cri.sandboxes.size, 0);
  });

  it('kills what fails its liveness probe, and starts it again', async () => {
    let healthy = true;
    h.cri.exec = async () => (healthy ? 0 : 1);
    const livenessProbe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 };
    await startPod(newPod({ containers: [newContainer('app', { livenessProbe })] }));
    await h.clock.advance(3_000);
    assert.equal(h.cri.starts.length, 1);
    healthy = false;
    await h.clock.advance(2_000);
    await h.until('killed', () => h.cri.stops.length === 1);
    await h.until('restarted', () => h.cri.starts.length === 2);
    assert.ok(h.events.includes('Killing: Container app failed liveness probe, will be restarted'));
  });

  it('is ready when its readiness probe says so', async () => {
    let ready = false;
    h.cri.exec = async () => (ready ? 0 : 1);
    const readinessProbe = { exec: { command: ['check'] }, periodSeconds: 1 };
    await startPod(newPod({ containers: [newContainer('app', { readinessProbe })] }));
    assert.equal(h.status().containerStatuses?.[0]?.ready, false);
    ready = true;
    await h.clock.advance(1_000);
    await h.until('Ready', () => h.status().containerStatuses?.[0]?.ready === true);
    ready = false;
    await h.clock.advance(3_000);
    await h.until('not Ready', () => h.status().containerStatuses?.[0]?.ready === false);
    assert.ok(h.events.includes('Unhealthy: Readiness probe failed: '));
  });

  it('starts over in a new sandbox when its sandbox dies', async () => {
    await startPod();
    h.cri.killSandboxes();
    h.workers.wakeAll();
    await h.until('second run', () => h.cri.starts.length === 2);
    await h.until('new address', () => h.status().podIP !== '10.0.0.1');
    assert.deepEqual(h.status().podIPs, [{ ip: h.status().podIP }]);
  });

  it('backs off from an image that cannot be pulled', async () => {
    h.cri.images.delete('app:1');
    h.cri.failNext('pullImage', 'UNKNOWN', 'no such image');
    h.api.put(newPod());
    const reason = (): string | undefined =>
      h.status().containerStatuses?.[0]?.state?.waiting?.reason;
    await h.until('error', () => reason() === 'ErrImagePull');
    await h.clock.advance(2_000);
    await h.until('back-off', () => reason() === 'ImagePullBackOff');
    await h.clock.advance(8_000);
    await h.until('Running', () => h.status().phase === 'Running');
  });

  it('runs init containers in order', async () => {
    h.api.put(newPod({ initContainers: [newContainer('one')] }));
    await h.until('init', () => h.cri.running().includes('one'));
    h.cri.exit('one', 0);
    await h.until('Running', () => h.status().phase === 'Running');
    assert.deepEqual(h.cri.starts, ['one#0', 'app#0']);
  });

  it('shows a changed label in its files at once', async () => {
    const items = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }];
    const volumes = [{ name: 'info', downwardAPI: { items } }];
    const pod = newPod({ volumes });
    await startPod(pod);
    const file = path.join(h.paths.tmpfs, 'uid-1/info/labels');
    assert.equal(readFileSync(file, 'utf8'), '');
    const now = h.api.pods.get('default/web') ?? pod;
    h.api.put({ ...now, metadata: { ...now.metadata, labels: { a: 'b' } } });
    await h.until('written', () => readFileSync(file, 'utf8') === 'a="b"');
  });

  it('is ready when its readiness gates say so too', async () => {
    const readinessGates = [{ conditionType: 'example.com/gate' }];
    await startPod(newPod({ readinessGates }));
    const isReady = (): boolean =>
      h.status().conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    assert.equal(isReady(), false);
    const pod = h.api.pods.get('default/web') ?? newPod();
    const gate = { type: 'example.com/gate', status: 'True' };
    const conditions = [...(pod.status?.conditions ?? []), gate];
    h.api.put({ ...pod, status: { ...pod.status, conditions } });
    await h.until('Ready', isReady);
    assert.ok(h.status().conditions?.some(({ type }) => type === gate.type));
  });

  it('rejects a pod that does not fit', async () => {
    const asking = (cpu: string) => newContainer('app', { resources: { requests: { cpu } } });
    await startPod(newPod({ containers: [asking('1500m')] }));
    h.api.put(newPod({ containers: [asking('600m')] }, { name: 'big', uid: 'uid-2' }));
    await h.until('rejected', () => h.status('big').phase === 'Failed');
    assert.equal(h.status('big').reason, 'OutOfcpu');
    assert.deepEqual(h.cri.running(), ['app']);
    h.api.requestDelete('default/big', 1, h.clock.wallMs());
    await h.until('deleted', () => h.api.pods.size === 1);
    h.cri.exit('app', 1);
    await h.restart();
    await h.until('admitted before', () => h.cri.running().length === 1);
  });

  it('ends sidecars after everyone else, the last one first', async () => {
    const sidecar = (name: string) =>
      newContainer(name, { image: 'log:1', restartPolicy: 'Always' });
    const initContainers = [sidecar('mesh'), sidecar('logs')];
    await startPod(newPod({ initContainers }));
    assert.deepEqual(h.cri.starts, ['mesh#0', 'logs#0', 'app#0']);
    h.api.requestDelete('default/web', 5, h.clock.wallMs());
    await h.until('deleted', () => h.api.pods.size === 0);
    assert.deepEqual(h.cri.stops, ['app 5', 'logs 5', 'mesh 5']);
  });

  it('fails a pod that is active for too long', async () => {
    await startPod(newPod({ activeDeadlineSeconds: 60, terminationGracePeriodSeconds: 3 }));
    await h.clock.advance(59_000);
    assert.deepEqual(h.cri.running(), ['app']);
    await h.clock.advance(2_000);
    await h.until('Failed', () => h.status().phase === 'Failed');
    assert.equal(h.status().reason, 'DeadlineExceeded');
    assert.deepEqual(h.cri.running(), []);
  });

  it('removes what belongs to no pod of the API', async () => {
    await startPod();
    await h.stop();
    h.api.pods.clear();
    await h.restart();
    await h.sweep();
    assert.equal(h.cri.sandboxes.size, 0);
    assert.equal(h.cri.containers.size, 0);
    assert.equal(h.cgroups.size, 0);
    assert.ok(!existsSync(h.paths.podLogs(newPod())));
  });
});
