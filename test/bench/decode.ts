/**
 * What a write costs the API server before it reaches the store: parsing, decoding, ownership, printing
 * of a small pod, each in microseconds, beside the floor: `JSON.parse` alone.
 */

import { decodeObject } from '../../proto/api/decode.ts';
import { applyDefaults } from '../../proto/api/defaults.ts';
import { trackUpdate } from '../../proto/api/managed-fields.ts';
import { parseStrictJson } from '../../proto/api/strict-json.ts';

const POD = 'io.k8s.api.core.v1.Pod';
const ROUNDS = 20_000;

const TEXT = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'default', labels: { app: 'web', tier: 'front' } },
  spec: {
    containers: [
      {
        name: 'web',
        image: 'skiff/host',
        command: ['/bin/sh', '-c', 'sleep 1000'],
        env: [
          { name: 'A', value: 'b' },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ],
        ports: [{ containerPort: 80, name: 'http', protocol: 'TCP' }],
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
  },
});

export async function bench(): Promise<object> {
  const parsed: unknown = JSON.parse(TEXT);
  const { object } = decodeObject(POD, parsed);
  const update = {
    typeName: POD,
    before: undefined,
    after: object,
    manager: 'bench',
    time: '2026-01-01T00:00:00Z',
    apiVersion: 'v1',
  };
  const microseconds = {
    parseFloor: measure(() => JSON.parse(TEXT)),
    parseStrict: measure(() => parseStrictJson(TEXT, { findDuplicates: true })),
    decode: measure(() => decodeObject(POD, parsed)),
    defaults: measure(() => applyDefaults(POD, object)),
    ownership: measure(() => trackUpdate(update)),
    print: measure(() => JSON.stringify(object)),
  };
  const decodesPerSecond = Math.round(1e6 / microseconds.decode);
  return { bench: 'decode', bytes: TEXT.length, microseconds, decodesPerSecond };
}

/** Microseconds of one call: the best of some rounds, for other work on the machine only adds. */
function measure(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i += 1) run();
    best = Math.min(best, ((performance.now() - start) * 1000) / ROUNDS);
  }
  return Math.round(best * 100) / 100;
}
