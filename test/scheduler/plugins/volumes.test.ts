import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../../client/client.ts';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
} from '../../../proto/api/gen/core-v1.ts';
import type { StorageClass } from '../../../proto/api/gen/storage-v1.ts';
import { SchedulerCache } from '../../../scheduler/cache/cache.ts';
import { newPodInfo } from '../../../scheduler/cache/pod-info.ts';
import { defaultProfile } from '../../../scheduler/default-profile.ts';
import { fitErrorMessage } from '../../../scheduler/diagnosis.ts';
import { Framework } from '../../../scheduler/framework/framework.ts';
import { AssumedVolumes } from '../../../scheduler/plugins/volume-binding/assumed-volumes.ts';
import { bindVolumes } from '../../../scheduler/plugins/volume-binding/bind-volumes.ts';
import type { NodeVolumes } from '../../../scheduler/plugins/volume-binding/find-volumes.ts';
import { NO_VOLUMES, type VolumeObjects } from '../../../scheduler/plugins/volume-objects.ts';
import { decide } from '../../../scheduler/schedule-one.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { newNode, newPod } from '../../support/scheduling-objects.ts';

const metadata = (name: string, more: object = {}) => ({
  name,
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...more,
});

function claim(
  name: string,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  more: object = {},
): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata(name, { namespace: 'default', ...more }),
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'waiting',
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

const bound = (name: string, volumeName: string): PersistentVolumeClaim =>
  claim(name, { volumeName }, { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } });

function volume(
  name: string,
  spec: Partial<PersistentVolume['spec']> = {},
  more: object = {},
): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: metadata(name, more),
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'waiting',
      ...spec,
    },
    status: { phase: 'Available' },
  };
}

const onNode = (node: string): Partial<PersistentVolume['spec']> => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
      ],
    },
  },
});

const storageClass = (
  name: string,
  volumeBindingMode: 'Immediate' | 'WaitForFirstConsumer',
  more: Partial<StorageClass> = {},
): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: metadata(name),
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode,
  ...more,
});

const CLASSES = [
  storageClass('waiting', 'WaitForFirstConsumer'),
  storageClass('now', 'Immediate'),
  storageClass('made', 'WaitForFirstConsumer', { provisioner: 'example.com/disk' }),
];

interface Storage {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly limits?: Readonly<Record<string, number>>;
}

function objectsOf({ claims = [], volumes = [], limits = {} }: Storage): VolumeObjects {
  return {
    ...NO_VOLUMES,
    claim: (_namespace, name) => claims.find((each) => each.metadata.name === name),
    volume: (name) => volumes.find((each) => each.metadata.name === name),
    volumes: () => volumes,
    storageClass: (name) => CLASSES.find((each) => each.metadata.name === name),
    csiNode: (name) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: metadata(name),
      spec: {
        drivers: Object.entries(limits).map(([driver, count]) => ({
          name: driver,
          nodeID: name,
          allocatable: { count },
        })),
      },
    }),
  };
}

/** The node, or the message without what preemption adds. */
function place(storage: Storage, pod: Pod, nodes: readonly Node[], pods: readonly Pod[] = []) {
  const cache = new SchedulerCache();
  for (const node of nodes) cache.setNode(node);
  for (const each of pods) cache.setPod(each);
  const profile = defaultProfile({
    client: { request: () => Promise.reject(new Error('unused')) },
    peersOf: () => undefined,
    namespaceLabels: () => ({}),
    volumes: {
      objects: objectsOf(storage),
      client: { patch: () => Promise.reject(new Error('unused')) },
      clock: { schedule: () => () => undefined },
    },
  });
  const decision = decide(new Framework('s', profile), cache.snapshot(), newPodInfo(pod), {
    startIndex: 0,
    percentageOfNodesToScore: 0,
    tieBreak: { kind: 'first' },
  });
  if (decision.kind === 'node') return decision.nodeName;
  if (decision.kind === 'error') return `error: ${decision.status.reasons.join()}`;
  return fitErrorMessage(decision.diagnosis).split(' preemption:')[0];
}

const using = (...names: string[]): Partial<PodSpec> => ({
  volumes: names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
});
const NODES = [newNode('n1'), newNode('n2')];
const why = (text: string): string => `0/2 nodes are available: ${text}.`;

describe('the volumes of a pod', () => {
  const cases: readonly (readonly [string, Storage, string])[] = [
    ['a claim that is missing', {}, why('persistentvolumeclaim "c" not found')],
    [
      'a claim that is bound at once, and is not yet',
      { claims: [claim('c', { storageClassName: 'now' })] },
      why('pod has unbound immediate PersistentVolumeClaims'),
    ],
    [
      'a claim whose volume is on one node',
      { claims: [bound('c', 'v')], volumes: [volume('v', onNode('n2'))] },
      'n2',
    ],
    [
      'a claim whose volume is on no node that is there',
      { claims: [bound('c', 'v')], volumes: [volume('v', onNode('n9'))] },
      why("2 node(s) didn't match PersistentVolume's node affinity"),
    ],
    [
      'a claim that waits, with a volume on one node',
      { claims: [claim('c')], volumes: [volume('v', onNode('n2'))] },
      'n2',
    ],
    [
      'a claim that waits, with volumes too small, taken, of another class or mode',
      {
        claims: [claim('c', { resources: { requests: { storage: '2Gi' } } })],
        volumes: [
          volume('small'),
          volume('taken', { capacity: { storage: '2Gi' }, claimRef: { name: 'x', uid: 'x' } }),
          volume('other', { capacity: { storage: '2Gi' }, storageClassName: 'made' }),
          volume('shared', { capacity: { storage: '2Gi' }, accessModes: ['ReadOnlyMany'] }),
        ],
      },
      why("2 node(s) didn't find available persistent volumes to bind"),
    ],
    [
      'a claim that somebody makes a volume for',
      { claims: [claim('c', { storageClassName: 'made' })] },
      'n1',
    ],
    [
      'a claim that is being made on one node',
      {
        claims: [
          claim(
            'c',
            { storageClassName: 'made' },
            { annotations: { 'volume.kubernetes.io/selected-node': 'n2' } },
          ),
        ],
      },
      'n2',
    ],
    [
      'a claim that is going',
      { claims: [claim('c', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })] },
      why('persistentvolumeclaim "c" is being deleted'),
    ],
  ];
  for (const [what, storage, expected] of cases) {
    it(`decide: ${what}`, () =>
      assert.equal(place(storage, newPod('p', using('c')), NODES), expected));
  }

  it('in other zones keep the pod away', () => {
    const zone = (value: string) => ({ labels: { 'topology.kubernetes.io/zone': value } });
    const storage = { claims: [bound('c', 'v')], volumes: [volume('v', {}, zone('b'))] };
    const nodes = [newNode('n1', {}, zone('a')), newNode('n2', {}, zone('b'))];
    assert.equal(place(storage, newPod('p', using('c')), nodes), 'n2');
    assert.equal(
      place(storage, newPod('p', using('c')), nodes.slice(0, 1)),
      '0/1 nodes are available: 1 node(s) had no available volume zone.',
    );
    assert.equal(place(storage, newPod('p', using('c')), [newNode('bare')]), 'bare');
  });

  it('may be for one pod only', () => {
    const exclusive = claim('c', { accessModes: ['ReadWriteOncePod'] });
    const storage = {
      claims: [exclusive],
      volumes: [volume('v', { accessModes: ['ReadWriteOncePod'] })],
    };
    const pod = newPod('p', using('c'));
    assert.equal(place(storage, pod, NODES), 'n1');
    const user = newPod('user', { ...using('c'), nodeName: 'n2' });
    assert.equal(
      place(storage, pod, NODES, [user]),
      why(
        '2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
      ),
    );
  });

  it('may be disks that one pod at a time writes', () => {
    const disk = (readOnly: boolean): Partial<PodSpec> => ({
      volumes: [{ name: 'd', gcePersistentDisk: { pdName: 'disk', readOnly } }],
    });
    const user = newPod('user', { ...disk(true), nodeName: 'n1' });
    assert.equal(
      place({}, newPod('p', disk(false)), [newNode('n1')], [user]),
      '0/1 nodes are available: 1 node(s) had no available disk.',
    );
    assert.equal(place({}, newPod('p', disk(true)), [newNode('n1')], [user]), 'n1');
  });

  it('are not more than the node takes', () => {
    const csi = (handle: string): Partial<PersistentVolume['spec']> => ({
      csi: { driver: 'example.com/disk', volumeHandle: handle },
    });
    const storage = {
      claims: [bound('a', 'va'), bound('b', 'vb'), bound('same', 'va')],
      volumes: [volume('va', csi('1')), volume('vb', csi('2'))],
      limits: { 'example.com/disk': 1 },
    };
    const user = newPod('user', { ...using('a'), nodeName: 'n1' });
    const one = [newNode('n1')];
    assert.equal(
      place(storage, newPod('p', using('b')), one, [user]),
      '0/1 nodes are available: 1 node(s) exceed max volume count.',
    );
    assert.equal(place(storage, newPod('p', using('same')), one, [user]), 'n1');
  });
});

describe('AssumedVolumes', () => {
  it('holds until it is taken back, or the API says otherwise', () => {
    const volumes = [volume('v')];
    const known = new AssumedVolumes(objectsOf({ volumes }));
    const [first] = volumes;
    assert.ok(first !== undefined);
    const assumed = { ...first, spec: { ...first.spec, claimRef: { name: 'c' } } };
    known.assumeVolume(assumed);
    assert.equal(known.volume('v'), assumed);
    assert.deepEqual(known.volumes(), [assumed]);
    known.forgetVolume('v');
    assert.equal(known.volume('v'), first);
    known.assumeVolume(assumed);
    const newer = volume('v');
    volumes[0] = newer;
    assert.equal(known.volume('v'), newer);
  });
});

describe('bindVolumes', () => {
  /** A client that notes what is written, and a state that a test changes. */
  function setUp() {
    const state = { claim: claim('c'), volume: volume('v') };
    const listeners = new Set<() => void>();
    const writes: string[] = [];
    const clock = new FakeClock();
    const objects: VolumeObjects = {
      ...NO_VOLUMES,
      claim: () => state.claim,
      volume: () => state.volume,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const client = {
      patch: async (resource: { kind: string }, target: { name: string }) => {
        writes.push(`${resource.kind} ${target.name}`);
      },
    } as unknown as Pick<Client, 'patch'>;
    const change = (): void => {
      for (const listener of listeners) listener();
    };
    const { signal } = new AbortController();
    const bind = (found: NodeVolumes): Promise<void> =>
      bindVolumes(found, 'n1', objects, { client, clock, timeoutMs: 600_000 }, signal);
    return { state, writes, clock, listeners, change, bind };
  }

  it('reserves the volume and waits until the claim is bound', async () => {
    const { state, writes, clock, listeners, change, bind } = setUp();
    const done = bind({ bindings: [{ ...state }], provisions: [] });
    await settle();
    assert.deepEqual(writes, ['PersistentVolume v']);
    state.volume = volume('v', { claimRef: { name: 'c' } });
    change();
    state.claim = bound('c', 'v');
    change();
    await done;
    assert.equal(listeners.size, 0);
    assert.equal(clock.pending, 0);
  });

  it('tells the node to who makes the volume, and fails when that is taken back', async () => {
    const { state, writes, clock, change, bind } = setUp();
    const done = assert.rejects(
      bind({ bindings: [], provisions: [state.claim] }),
      /provisioning failed for PVC "c"/,
    );
    await settle();
    assert.deepEqual(writes, ['PersistentVolumeClaim c']);
    state.claim = claim('c', {}, { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } });
    change();
    state.claim = claim('c');
    change();
    await done;
    assert.equal(clock.pending, 0);
  });

  it('gives up after its time', async () => {
    const { state, clock, bind } = setUp();
    const done = assert.rejects(bind({ bindings: [{ ...state }], provisions: [] }), /timed out/);
    await settle();
    await clock.advance(600_000);
    await done;
  });
});
