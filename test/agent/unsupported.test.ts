import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unsupportedFields, unsupportedVolumes } from '../../agent/pod/unsupported.ts';
import { newContainer, newPod } from './pod-builder.ts';

describe('unsupported fields', () => {
  it('are named', () => {
    const grpc = newContainer('app', { livenessProbe: { grpc: { port: 1 } } });
    const spec = { runtimeClassName: 'gvisor', containers: [grpc] };
    assert.deepEqual(unsupportedFields(newPod(spec)), [
      'spec.runtimeClassName is not supported',
      'container "app": a grpc probe is not supported',
    ]);
    const volumes = [
      { name: 'a', emptyDir: {} },
      { name: 'b', csi: { driver: 'x' } },
    ];
    assert.deepEqual(unsupportedVolumes(newPod({ volumes })), ['volume "b": csi is not supported']);
  });

  it('are none in a pod as they are', () => {
    const pod = newPod({ hostUsers: true, runtimeClassName: '', resources: {} });
    assert.deepEqual(unsupportedFields(pod), []);
  });
});
