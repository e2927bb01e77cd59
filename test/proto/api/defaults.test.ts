import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyDefaults } from '../../../proto/api/defaults.ts';

describe('applyDefaults', () => {
  it('sets declared defaults at every level that is there, and nothing else', () => {
    const template = {
      spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }, { protocol: 'UDP' }] }] },
    };
    const object = { spec: { template } };
    applyDefaults('io.k8s.api.apps.v1.Deployment', object);
    assert.deepEqual(object, {
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'c',
                ports: [{ containerPort: 80, protocol: 'TCP' }, { protocol: 'UDP' }],
              },
            ],
          },
        },
      },
    });
  });

  it('keeps an explicit zero', () => {
    const object = { spec: { replicas: 0 } };
    applyDefaults('io.k8s.api.core.v1.ReplicationController', object);
    assert.deepEqual(object, { spec: { replicas: 0 } });
  });
});
