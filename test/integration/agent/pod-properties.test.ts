import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '../../../proto/api/gen/core-v1.ts';
import { newContainer, newPod } from '../../agent/pod-builder.ts';
import { PodHarness } from './pod-harness.ts';

type Step =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'killSandbox' | 'restartAgent' | 'apiDown' | 'apiUp' | 'touch' }
  | { readonly kind: 'runtimeDown' | 'runtimeUp' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | {
      readonly kind: 'fail';
      readonly method: 'createContainer' | 'startContainer' | 'runPodSandbox';
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('exit' as const), code: fc.constantFrom(0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['killSandbox', 'restartAgent', 'apiDown', 'apiUp', 'touch'] as const),
        ...(['runtimeDown', 'runtimeUp'] as const),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.integer({ min: 1, max: 400 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fail' as const),
      method: fc.constantFrom('createContainer', 'startContainer', 'runPodSandbox'),
    }),
  },
);

async function perform(h: PodHarness, each: Step): Promise<void> {
  switch (each.kind) {
    case 'exit': {
      const [name] = h.cri.running();
      if (name !== undefined) h.cri.exit(name, each.code);
      break;
    }
    case 'killSandbox':
      h.cri.killSandboxes();
      h.workers.wakeAll();
      break;
    case 'restartAgent':
      await h.restart();
      break;
    case 'apiDown':
    case 'apiUp':
      h.api.isDown = each.kind === 'apiDown';
      break;
    case 'runtimeDown':
    case 'runtimeUp':
      h.cri.isDown = each.kind === 'runtimeDown';
      break;
    case 'touch': {
      const pod = h.api.pods.get('default/web');
      if (pod !== undefined) h.api.put(pod);
      break;
    }
    case 'wait':
      await h.clock.advance(each.seconds * 1000);
      break;
    case 'fail':
      h.cri.failNext(each.method, 'UNKNOWN', 'injected');
  }
  await h.rest();
}

/** FakeCri asserts that nothing runs twice at the same time. */
describe('whatever happens to a pod', () => {
  const policies = fc.constantFrom('Always' as const, 'OnFailure' as const, 'Never' as const);
  const steps = fc.array(step, { minLength: 1, maxLength: 12 });

  it('once deleted, it is gone and leaves nothing', async () => {
    const runs = { numRuns: 40 };
    await fc.assert(
      fc.asyncProperty(policies, steps, async (restartPolicy, script) => {
        const h = await PodHarness.create();
        try {
          h.api.put(
            newPod({ restartPolicy, containers: [newContainer('app'), newContainer('log')] }),
          );
          await h.rest();
          for (const each of script) await perform(h, each);
          assertCounted(h, restartPolicy);
          h.api.isDown = false;
          h.cri.isDown = false;
          h.api.requestDelete('default/web', 5, h.clock.wallMs());
          await h.settled('deleted', () => h.api.pods.size === 0 && h.cri.sandboxes.size === 0);
          assert.deepEqual([...h.cri.containers.values()], []);
          assert.equal(h.cgroups.size, 0);
        } finally {
          await h.close();
        }
      }),
      runs,
    );
  });

  it('left alone, it comes to what its policy says', async () => {
    await fc.assert(
      fc.asyncProperty(policies, steps, async (restartPolicy, script) => {
        const h = await PodHarness.create();
        try {
          h.api.put(newPod({ restartPolicy }));
          await h.rest();
          for (const each of script) await perform(h, each);
          h.api.isDown = false;
          h.cri.isDown = false;
          await h.settled('at rest', () => isAtRest(h, restartPolicy));
        } finally {
          await h.close();
        }
      }),
      { numRuns: 40 },
    );
  });
});

function isAtRest(h: PodHarness, policy: 'Always' | 'OnFailure' | 'Never'): boolean {
  const { phase, containerStatuses = [] } = h.status();
  const running = h.cri.running().includes('app');
  if (phase === 'Running') {
    return running && containerStatuses[0]?.state?.running !== undefined;
  }
  return policy !== 'Always' && !running && (phase === 'Succeeded' || phase === 'Failed');
}

/** Restart counts only go up, one at a time; a pod that may run once runs once. */
function assertCounted(h: PodHarness, policy: Pod['spec']['restartPolicy']): void {
  for (const name of ['app', 'log']) {
    const attempts = h.cri.starts
      .filter((start) => start.startsWith(`${name}#`))
      .map((start) => Number(start.split('#')[1]));
    assert.deepEqual(
      attempts,
      [...new Set(attempts)].sort((a, b) => a - b),
      h.cri.starts.join(),
    );
    if (policy === 'Never') assert.ok(attempts.length <= 1, h.cri.starts.join());
  }
}
