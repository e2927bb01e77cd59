import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import type { PodGroup } from '../../../proto/api/gen/scheduling-v1alpha2.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import type { ClusterEvent } from '../../../scheduler/framework/cluster-event.ts';
import { CycleState } from '../../../scheduler/framework/cycle-state.ts';
import { GANG_SCHEDULING, newGangScheduling } from '../../../scheduler/plugins/gang-scheduling.ts';
import { PodGroups } from '../../../scheduler/pod-groups.ts';
import { groupPatch } from '../../../scheduler/report-group.ts';
import { Together } from '../../../scheduler/together.ts';
import { WaitingPods } from '../../../scheduler/waiting-pods.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { newPod } from '../../support/scheduling-objects.ts';

const FIVE_MINUTES_MS = 300_000;

function newGroup(name: string, schedulingPolicy: PodGroup['spec']['schedulingPolicy']): PodGroup {
  const metadata = {
    namespace: 'default',
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  const apiVersion = 'scheduling.k8s.io/v1alpha2';
  return { apiVersion, kind: 'PodGroup', metadata, spec: { schedulingPolicy }, status: {} };
}

const member = (name: string, group = 'pg1', namespace = 'default'): Pod =>
  newPod(name, { schedulingGroup: { podGroupName: group } }, { namespace });

/** The groups `pg1` (gang of three) and `basic`; these pods are there. */
function setUp(pods: readonly Pod[]) {
  const known = new Map([
    ['default/pg1', newGroup('pg1', { gang: { minCount: 3 } })],
    ['default/basic', newGroup('basic', { basic: {} })],
  ]);
  const groups = new PodGroups({ get: (key) => known.get(key) });
  for (const pod of pods) groups.set(pod);
  const plugin = newGangScheduling(groups);
  const clock = new FakeClock();
  const waiting = new WaitingPods(clock);
  const activated: string[] = [];
  groups.attach({
    allow: (uid) => waiting.allow(uid, GANG_SCHEDULING),
    reject: (uid, why) => waiting.reject(uid, GANG_SCHEDULING, why),
    activate: (uid) => activated.push(uid),
  });
  const state = new CycleState();
  /** Reserve and Permit, as the scheduler asks them; resolves with what became of the pod. */
  const permit = (pod: Pod) => {
    const info = newPodInfo(pod);
    plugin.reserve?.(state, info, 'n1');
    const { status, timeoutMs = 0 } = plugin.permit?.(state, info, 'n1') ?? {};
    const { uid } = pod.metadata;
    const outcome =
      status?.code === 'Wait'
        ? waiting.wait(uid, new Map([[GANG_SCHEDULING, timeoutMs]])).then((rejection) => {
            if (rejection !== undefined) plugin.unreserve?.(state, info, 'n1');
            return rejection?.reasons.join() ?? 'allowed';
          })
        : Promise.resolve(status?.reasons.join() ?? 'allowed');
    return { status, timeoutMs, outcome };
  };
  const held = (pod: Pod): string | undefined => plugin.preEnqueue?.(pod)?.reasons.join();
  return { known, groups, plugin, clock, activated, permit, held };
}

describe('GangScheduling', () => {
  const pods = [member('p1'), member('p2'), member('p3')];
  const [p1, p2, p3] = pods as [Pod, Pod, Pod];

  it("holds members back in upstream's words", () => {
    const stranger = member('stranger', 'pg1', 'other');
    const { held } = setUp([p1, p2, stranger]);
    assert.equal(held(newPod('single')), undefined);
    assert.equal(held(member('b', 'basic')), undefined);
    assert.equal(
      held(member('x', 'pg9')),
      'waiting for pods\'s pod group "pg9" to appear in scheduling queue',
    );
    assert.equal(
      held(p1),
      'waiting for minCount pods from a gang to appear in scheduling queue',
      'a pod of another namespace is of another group',
    );
    assert.equal(setUp(pods).held(p1), undefined);
  });

  it('lets all go together at Permit', async () => {
    const { permit, activated } = setUp(pods);
    const first = permit(p1);
    assert.equal(first.status?.code, 'Wait');
    assert.equal(first.timeoutMs, FIVE_MINUTES_MS);
    assert.deepEqual(activated, [p2.metadata.uid, p3.metadata.uid]);
    const others = [permit(p2), permit(p3)];
    assert.equal(others[1]?.status, undefined);
    const outcomes = await Promise.all([first, ...others].map(({ outcome }) => outcome));
    assert.deepEqual(outcomes, ['allowed', 'allowed', 'allowed']);
  });

  it('counts members that run already', async () => {
    const { permit, groups } = setUp(pods);
    groups.set({ ...p2, spec: { ...p2.spec, nodeName: 'n1' } });
    groups.set({ ...p3, spec: { ...p3.spec, nodeName: 'n1' } });
    assert.equal(await permit(p1).outcome, 'allowed');
    groups.delete(p2);
    assert.equal(groups.isComplete(p1), false);
  });

  it('sends all back when the time of one is out', async () => {
    const { permit, groups, clock } = setUp(pods);
    const first = permit(p1);
    await clock.advance(FIVE_MINUTES_MS - 1_000);
    const second = permit(p2);
    await clock.advance(1_000);
    assert.equal(
      await first.outcome,
      'rejected due to timeout after waiting 300s at plugin GangScheduling',
    );
    assert.equal(await second.outcome, 'other pods from a pod group are unschedulable');
    assert.equal(groups.placed(p1), 0);
    assert.equal(clock.pending, 0);
  });

  it('fails members whose group is gone', async () => {
    const { permit, known } = setUp(pods);
    known.clear();
    const { status } = permit(p1);
    assert.equal(status?.code, 'Error');
    assert.deepEqual(status?.reasons, ['failed to get pod group default/pg1: it does not exist']);
  });

  it('is interested in what comes to its own group only', () => {
    const { plugin } = setUp(pods);
    const wakes = (event: ClusterEvent): boolean =>
      plugin.events?.some(({ kind, hint }) => kind === event.kind && hint?.(p1, event)) === true;
    assert.equal(wakes({ kind: 'UnscheduledPodAdd', pod: p2 }), true);
    assert.equal(wakes({ kind: 'AssignedPodAdd', pod: p2 }), true);
    assert.equal(wakes({ kind: 'UnscheduledPodAdd', pod: member('x', 'pg2') }), false);
    assert.equal(wakes({ kind: 'UnscheduledPodAdd', pod: newPod('single') }), false);
    const podGroup = newGroup('pg1', { gang: { minCount: 3 } });
    assert.equal(wakes({ kind: 'PodGroupAdd', podGroup }), true);
    const other = newGroup('pg2', { gang: { minCount: 3 } });
    assert.equal(wakes({ kind: 'PodGroupAdd', podGroup: other }), false);
    assert.equal(wakes({ kind: 'NodeAdd' }), false);
  });
});

describe('Together', () => {
  it('waits for all, and asks once whether enough came', async () => {
    let asked = 0;
    const together = new Together(3, () => {
      asked += 1;
      return false;
    });
    let isOver = false;
    const arrivals = [together.arrive(), together.arrive()];
    void Promise.all(arrivals).then(() => {
      isOver = true;
    });
    await settle();
    assert.equal(isOver, false);
    together.leave();
    assert.deepEqual(await Promise.all(arrivals), [false, false]);
    assert.equal(asked, 1);
  });
});

describe('groupPatch', () => {
  const nowMs = Date.parse('2026-01-01T00:00:09Z');
  it('says a thing once, and never takes back that the gang runs', () => {
    const group = newGroup('g', { gang: { minCount: 1 } });
    const no = { isScheduled: false, message: 'why' };
    const patch = groupPatch({ group, ...no }, nowMs) as { status: PodGroup['status'] };
    const lastTransitionTime = '2026-01-01T00:00:09Z';
    const failed = { status: 'False', reason: 'Unschedulable', message: 'why', lastTransitionTime };
    assert.deepEqual(patch.status.conditions, [{ type: 'PodGroupScheduled', ...failed }]);
    const told = { ...group, status: patch.status };
    assert.equal(groupPatch({ group: told, ...no }, nowMs), undefined);
    const yes = groupPatch({ group: told, isScheduled: true, message: '' }, nowMs);
    const running = { ...group, status: (yes as { status: PodGroup['status'] }).status };
    assert.equal(running.status.conditions?.[0]?.reason, 'Scheduled');
    assert.equal(groupPatch({ group: running, ...no }, nowMs), undefined);
  });
});
