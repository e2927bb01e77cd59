import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiObject } from '../../../../apiserver/registry/strategy.ts';
import type { ActionContext } from '../../../../apiserver/registry/subresource.ts';
import { chooseContainer } from '../../../../apiserver/registry/subresources/choose-container.ts';
import { podBinding } from '../../../../apiserver/registry/subresources/pod-binding.ts';
import { podEviction } from '../../../../apiserver/registry/subresources/pod-eviction.ts';
import { execPath } from '../../../../apiserver/registry/subresources/pod-exec.ts';
import { logOptionErrors, logPath } from '../../../../apiserver/registry/subresources/pod-log.ts';
import { scaleSubresources } from '../../../../apiserver/registry/subresources/scale.ts';
import {
  bindings,
  deployments,
  poddisruptionbudgets,
  pods,
} from '../../../../proto/api/gen/resources.ts';
import { ApiError } from '../../../../proto/api/status-error.ts';
import { apiObject, FakeObjects } from '../../../support/fake-objects.ts';

const target = { namespace: 'default', name: 'p' };

function context(objects: FakeObjects, body?: ApiObject, dryRun = false): ActionContext {
  return {
    request: { user: { name: 'test', groups: [] } } as unknown as ActionContext['request'],
    target,
    subpath: '',
    body,
    dryRun,
    fieldManager: 'test',
    nowMs: Date.parse('2026-01-01T00:00:00Z'),
    objects,
  };
}

function withPod(fields: object = {}, metadata: object = {}): FakeObjects {
  const objects = new FakeObjects();
  const own = { name: 'p', namespace: 'default', labels: { app: 'web' }, ...metadata };
  objects.add(pods, { spec: { containers: [] }, status: {}, ...fields, metadata: own });
  return objects;
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof ApiError);
  return outcome;
}

describe('pods/binding', () => {
  const binding = (fields: object = {}): ApiObject =>
    apiObject(bindings, {
      metadata: { name: 'p', uid: '', resourceVersion: '', annotations: { a: 'b' } },
      target: { kind: 'Node', name: 'node-1' },
      ...fields,
    });

  it('puts the pod on the node', async () => {
    const objects = withPod();
    const answer = await podBinding.handle(context(objects, binding()));
    assert.equal(answer.code, 201);
    const pod = objects.peek(pods, target);
    assert.equal(pod?.spec?.nodeName, 'node-1');
    assert.deepEqual(pod?.metadata.annotations, { a: 'b' });
    assert.deepEqual(pod?.status?.conditions, [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]);
  });

  const conflicts: readonly (readonly [string, FakeObjects, string])[] = [
    [
      'is bound',
      withPod({ spec: { nodeName: 'node-2' } }),
      'pod p is already assigned to node "node-2"',
    ],
    [
      'is being deleted',
      withPod({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      'pod p is being deleted, cannot be assigned to a host',
    ],
    [
      'is gated',
      withPod({ spec: { schedulingGates: [{ name: 'g' }] } }),
      'pod p has non-empty .spec.schedulingGates',
    ],
  ];
  for (const [name, objects, why] of conflicts) {
    it(`refuses a pod that ${name}`, async () => {
      const error = await errorOf(podBinding.handle(context(objects, binding())));
      assert.equal(error.message, `Operation cannot be fulfilled on pods/binding "p": ${why}`);
      assert.equal(error.code, 409);
    });
  }

  it('refuses another pod of the same name, and other targets than nodes', async () => {
    const other = binding({ metadata: { name: 'p', uid: 'other', resourceVersion: '' } });
    assert.equal((await errorOf(podBinding.handle(context(withPod(), other)))).code, 409);
    const wrong = binding({ target: { kind: 'Pod' } });
    assert.equal((await errorOf(podBinding.handle(context(withPod(), wrong)))).code, 422);
  });
});

describe('pods/eviction', () => {
  const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  const budget = (status: object, spec: object = {}): object => ({
    metadata: { name: 'b', namespace: 'default', generation: 1 },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
    status: { observedGeneration: 1, ...status },
  });
  const withBudget = (status: object, pod: object = running, spec: object = {}): FakeObjects => {
    const objects = withPod(pod);
    objects.add(poddisruptionbudgets, budget(status, spec) as never);
    return objects;
  };

  it('deletes a pod that has no budget, and only the one that was meant', async () => {
    const objects = withPod(running);
    assert.equal((await podEviction.handle(context(objects))).code, 201);
    assert.deepEqual(objects.deleted, [
      { name: 'p', options: { preconditions: { uid: 'uid-p' } } },
    ]);
  });

  it('takes one from the budget', async () => {
    const objects = withBudget({ disruptionsAllowed: 1 });
    await podEviction.handle(context(objects));
    const status = objects.peek(poddisruptionbudgets, { namespace: 'default', name: 'b' })?.status;
    assert.equal(status?.disruptionsAllowed, 0);
    assert.deepEqual(status?.disruptedPods, { p: '2026-01-01T00:00:00Z' });
    assert.equal(objects.deleted.length, 1);
  });

  it('says 429 when the budget is used up, without seconds to wait', async () => {
    const objects = withBudget({ disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 2 });
    const { status, message } = await errorOf(podEviction.handle(context(objects)));
    assert.equal(message, "Cannot evict pod as it would violate the pod's disruption budget.");
    assert.equal(status.code, 429);
    assert.deepEqual(status.details, {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: 'The disruption budget b needs 2 healthy pods and has 2 currently',
        },
      ],
    });
    assert.equal(objects.deleted.length, 0);
  });

  it('says 429 with seconds while the budget is being looked at', async () => {
    const objects = withBudget({ disruptionsAllowed: 1, observedGeneration: 0 });
    const { status } = await errorOf(podEviction.handle(context(objects)));
    assert.equal(status.details?.retryAfterSeconds, 10);
  });

  it('asks no budget about pods that do not run', async () => {
    for (const phase of ['Pending', 'Succeeded', 'Failed']) {
      const objects = withBudget({ disruptionsAllowed: 0 }, { status: { phase } });
      await podEviction.handle(context(objects));
      assert.equal(objects.deleted.length, 1);
    }
  });

  it('lets pods go that are not ready anyway, as far as the budget says', async () => {
    const unready = { status: { phase: 'Running' } };
    const always = withBudget({}, unready, { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    await podEviction.handle(context(always));
    assert.equal(always.deleted.length, 1);
    const healthy = withBudget({ desiredHealthy: 1, currentHealthy: 1 }, unready);
    await podEviction.handle(context(healthy));
    assert.equal(healthy.deleted.length, 1);
    const below = withBudget({ desiredHealthy: 2, currentHealthy: 1 }, unready);
    assert.equal((await errorOf(podEviction.handle(context(below)))).code, 429);
  });

  it('refuses to decide between two budgets', async () => {
    const objects = withBudget({ disruptionsAllowed: 1 });
    objects.add(poddisruptionbudgets, {
      ...(budget({}) as ApiObject),
      metadata: { name: 'c', namespace: 'default' },
    });
    assert.equal((await errorOf(podEviction.handle(context(objects)))).code, 500);
  });

  it('changes nothing in a dry run', async () => {
    const objects = withBudget({ disruptionsAllowed: 1 });
    await podEviction.handle(context(objects, undefined, true));
    assert.deepEqual(objects.deleted, []);
    const status = objects.peek(poddisruptionbudgets, { namespace: 'default', name: 'b' })?.status;
    assert.equal(status?.disruptionsAllowed, 1);
  });
});

describe('scale', () => {
  const [scale] = scaleSubresources;
  const deployment = apiObject(deployments, {
    metadata: { name: 'd', namespace: 'default' },
    spec: { replicas: 3, selector: { matchLabels: { b: '2', a: '1' } } },
    status: { replicas: 2 },
  });

  it('shows how many there are and should be', () => {
    assert.deepEqual(scale?.body?.read(deployment), {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: {
        name: 'd',
        namespace: 'default',
        uid: 'uid-d',
        resourceVersion: '1',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { replicas: 3 },
      status: { replicas: 2, selector: 'a=1,b=2' },
    });
  });

  it('changes how many there should be, and not below none', () => {
    const object = structuredClone(deployment);
    const body = (replicas: number) =>
      apiObject(deployments, { metadata: { name: 'd' }, spec: { replicas } });
    scale?.body?.write(object, body(5));
    assert.equal(object.spec?.replicas, 5);
    assert.deepEqual(scale?.body?.validate?.(body(-1)), [
      {
        type: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: 'Invalid value: -1: must be greater than or equal to 0',
      },
    ]);
  });
});

describe('the container that is meant', () => {
  const pod = (containers: string[], initContainers: string[] = []): ApiObject =>
    apiObject(pods, {
      metadata: { name: 'p' },
      spec: {
        containers: containers.map((name) => ({ name })),
        initContainers: initContainers.map((name) => ({ name })),
      },
    });

  it('is the only one, or the named one', () => {
    assert.equal(chooseContainer(pod(['a'], ['i']), ''), 'a');
    assert.equal(chooseContainer(pod(['a', 'b'], ['i']), 'i'), 'i');
  });

  for (const [given, name, message] of [
    [pod(['a', 'b']), '', 'a container name must be specified for pod p, choose one of: [a b]'],
    [
      pod(['a', 'b'], ['i']),
      '',
      'a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]',
    ],
    [pod(['a']), 'c', 'container c is not valid for pod p'],
  ] as const) {
    it(`is refused: ${message}`, () => {
      assert.throws(() => chooseContainer(given, name), { message });
    });
  }
});

describe('paths at the agent', () => {
  it('of logs have the options that are set', () => {
    const query = new URLSearchParams(
      'container=c&follow=true&previous=false&tailLines=5&pretty=1',
    );
    assert.equal(
      logPath('default', 'p', 'c', query),
      '/containerLogs/default/p/c?follow=true&tailLines=5',
    );
  });

  it('of commands have the command, and with a terminal no standard error', () => {
    const query = new URLSearchParams(
      'command=ls&command=-l&stdin=true&stdout=1&stderr=true&tty=true',
    );
    assert.equal(
      execPath('exec', 'default', 'p', 'c', query),
      '/exec/default/p/c?command=ls&command=-l&stdin=true&stdout=true&tty=true',
    );
  });

  it('are refused without a command, and without a stream', () => {
    assert.throws(() => execPath('exec', 'a', 'p', 'c', new URLSearchParams('stdout=true')), {
      message: 'you must specify at least 1 command to execute',
    });
    assert.throws(() => execPath('attach', 'a', 'p', 'c', new URLSearchParams('tty=true')), {
      message: 'you must specify at least 1 of stdin, stdout, stderr',
    });
  });

  it('of logs are refused with wrong options', () => {
    const query = new URLSearchParams(
      'tailLines=-1&sinceSeconds=1&sinceTime=yesterday&limitBytes=x',
    );
    assert.deepEqual(
      logOptionErrors(query).map(({ field, message }) => `${field}: ${message}`),
      [
        'tailLines: Invalid value: -1: must be greater than or equal to 0',
        'limitBytes: Invalid value: "x": must be an integer',
        'sinceTime: Invalid value: "yesterday": must be an RFC 3339 time',
        'sinceSeconds: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      ],
    );
  });
});
