import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statusPatch } from '../../agent/sync/status-patch.ts';
import { newPod } from './pod-builder.ts';

const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };

describe('statusPatch', () => {
  it('is nothing when the API shows what it should', () => {
    const pod = { ...newPod(), status: { phase: 'Running' as const, conditions: [ready] } };
    assert.equal(statusPatch(pod, { phase: 'Running', conditions: [ready] }), undefined);
    const lastState = { containerStatuses: [] };
    assert.equal(
      statusPatch({ ...pod, status: {} }, { ...lastState, containerStatuses: undefined as never }),
      undefined,
    );
  });

  it('names the pod it is of, and only what differs', () => {
    const pod = { ...newPod(), status: { phase: 'Pending' as const, hostIP: '10.1.0.2' } };
    assert.deepEqual(statusPatch(pod, { phase: 'Running', hostIP: '10.1.0.2' }), {
      metadata: { uid: 'uid-1' },
      status: { phase: 'Running' },
    });
  });

  it('removes what no longer holds', () => {
    const status = { reason: 'x', podIPs: [{ ip: '10.0.0.1' }] };
    const patch = statusPatch({ ...newPod(), status }, { podIPs: [{ ip: '10.0.0.2' }] });
    assert.deepEqual(patch?.status, {
      reason: null,
      podIPs: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1', $patch: 'delete' }],
    });
  });

  it("leaves others' conditions alone", () => {
    const gate = { type: 'example.com/gate', status: 'True' };
    const notReady = { ...ready, status: 'False', reason: 'NodeNotReady' };
    const pod = { ...newPod(), status: { conditions: [notReady, gate] } };
    const stale = { ...gate, status: 'False' };
    const patch = statusPatch(pod, { conditions: [ready, stale] });
    assert.deepEqual(patch?.status, { conditions: [{ ...ready, reason: null }] });
  });

  it('does not touch what the scheduler says', () => {
    const pod = { ...newPod(), status: { nominatedNodeName: 'node-2' } };
    assert.equal(statusPatch(pod, {}), undefined);
  });
});
