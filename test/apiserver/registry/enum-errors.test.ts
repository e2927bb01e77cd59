import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { enumErrors } from '../../../apiserver/registry/enum-errors.ts';

const POD = 'io.k8s.api.core.v1.Pod';

describe('enumErrors', () => {
  it('finds values that are not allowed, at any depth', () => {
    const pod = {
      spec: {
        restartPolicy: 'Sometimes',
        dnsPolicy: '',
        containers: [
          { name: 'c', imagePullPolicy: 'Always', ports: [{ protocol: 'tcp' }] },
          { name: 'd', livenessProbe: { httpGet: { scheme: 'FTP' } } },
        ],
      },
    };
    assert.deepEqual(
      enumErrors(POD, pod).map(({ field, message }) => `${field}: ${message}`),
      [
        'spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
        'spec.containers[1].livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
        'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
      ],
    );
  });

  it('finds them in lists of values', () => {
    const claim = { spec: { accessModes: ['ReadWriteOnce', 'Nope'] } };
    const errors = enumErrors('io.k8s.api.core.v1.PersistentVolumeClaim', claim);
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['spec.accessModes[1]'],
    );
  });

  it('finds nothing in what is right, or is not there', () => {
    assert.deepEqual(enumErrors(POD, { spec: { restartPolicy: 'Never' } }), []);
    assert.deepEqual(enumErrors(POD, {}), []);
  });
});
