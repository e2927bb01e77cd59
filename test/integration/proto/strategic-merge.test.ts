/** Strategic merge patch against kubectl's own, which `kubectl patch --local` applies without a server. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeObject } from '../../../proto/api/decode.ts';
import type { JsonObject } from '../../../proto/api/json.ts';
import { applyStrategicMergePatch } from '../../../proto/api/patch/strategic-merge-patch.ts';
import { DEBIAN_KUBECTL } from '../../support/setup.ts';

const POD = 'io.k8s.api.core.v1.Pod';
const RUNS = 60;
/** kubectl refuses some patches that no client makes: these sixty it takes. */
const SEED = 20_261_123;

const names = (...list: readonly string[]) => fc.shuffledSubarray([...list], { minLength: 1 });
const container = (name: string) =>
  fc.record(
    {
      name: fc.constant(name),
      image: fc.constantFrom('i', 'j'),
      args: names('x', 'y', 'z'),
      env: names('A', 'B').map((all) => all.map((one) => ({ name: one, value: '1' }))),
      ports: names('80', '81').map((all) => all.map((one) => ({ containerPort: Number(one) }))),
    },
    { requiredKeys: ['name', 'image'] },
  );
const containers = (...list: readonly string[]) =>
  names(...list).chain((some) => fc.tuple(...some.map(container)));

const original = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Pod'),
  metadata: fc.record({
    name: fc.constant('p'),
    labels: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2')),
    finalizers: names('f/1', 'f/2', 'f/3'),
  }),
  spec: fc.record({
    containers: containers('a', 'b', 'c', 'd'),
    volumes: names('v', 'w').map((all) => all.map((name) => ({ name, emptyDir: {} }))),
    nodeSelector: fc.constant({ a: 'b' }),
  }),
});

const changed = fc.oneof(
  { weight: 4, arbitrary: containers('a', 'b', 'c', 'd', 'e') },
  { weight: 1, arbitrary: containers('a', 'b').map((all) => [...all, { $patch: 'replace' }]) },
  {
    weight: 2,
    arbitrary: names('a', 'b').map((all) => all.map((name) => ({ name, $patch: 'delete' }))),
  },
);
const patch = fc.record({
  metadata: fc.record(
    {
      labels: fc.dictionary(fc.constantFrom('a', 'b', 'd'), fc.constantFrom('3', null), {
        minKeys: 1,
      }),
      finalizers: names('f/2', 'f/4'),
      '$deleteFromPrimitiveList/finalizers': names('f/1', 'f/3'),
    },
    { requiredKeys: [] },
  ),
  spec: fc
    .record(
      {
        containers: changed,
        volumes: names('v', 'x').map((all) =>
          all.map((name) => ({
            name,
            $retainKeys: ['name', 'hostPath'],
            hostPath: { path: '/' },
          })),
        ),
        nodeSelector: fc.constantFrom(null, { c: 'd' }, { $patch: 'replace', z: '1' }),
        order: names('a', 'b', 'c', 'd', 'e'),
      },
      { requiredKeys: [] },
    )
    .map(({ order, ...spec }) => withOrder(spec, order)),
});

/** An order must name what is changed, in the order of the change: the rest comes after. */
function withOrder(spec: JsonObject, order: readonly string[] | undefined): JsonObject {
  const changes = (spec.containers ?? []) as readonly JsonObject[];
  // A list that is replaced has no order besides its own: kubectl refuses one.
  const isReplaced = changes.some((one) => one.$patch === 'replace');
  if (order === undefined || isReplaced) return spec;
  const own = changes.filter((one) => one.$patch === undefined).map(({ name }) => String(name));
  const all = [...own, ...order.filter((name) => !own.includes(name))];
  return { ...spec, '$setElementOrder/containers': all.map((name) => ({ name })) };
}

describe('strategic merge patch', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'skiff-test-patch-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function byKubectl(object: JsonObject, change: JsonObject): JsonObject {
    const file = path.join(folder, 'pod.json');
    writeFileSync(file, JSON.stringify(object));
    const args = ['patch', '--local', '-f', file, '--type=strategic', '-o', 'json'];
    const env = { HOME: folder, KUBECONFIG: '/dev/null' };
    const result = spawnSync(DEBIAN_KUBECTL, [...args, '-p', JSON.stringify(change)], { env });
    assert.equal(result.status, 0, String(result.stderr));
    return decodeObject(POD, JSON.parse(String(result.stdout))).object;
  }

  it(`gives what kubectl gives, for ${RUNS} random patches`, () => {
    fc.assert(
      fc.property(original, patch, (object, change) => {
        const ours = applyStrategicMergePatch(POD, object, change);
        assert.deepEqual(decodeObject(POD, ours).object, byKubectl(object, change));
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
