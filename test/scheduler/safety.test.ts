/**
 * What must never happen, whatever happens: the whole scheduler on random events of pods and nodes,
 * with bindings that fail and priorities that preempt.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '../../base/logger.ts';
import type { Client } from '../../client/client.ts';
import type { Node, Pod } from '../../proto/api/gen/core-v1.ts';
import { defaultProfile } from '../../scheduler/default-profile.ts';
import { Framework } from '../../scheduler/framework/framework.ts';
import { Scheduler } from '../../scheduler/scheduler.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { FakeInformer } from '../support/fake-informer.ts';
import { newContainer, newNode, newPod } from '../support/scheduling-objects.ts';
import { decideSlowly } from '../support/scheduling-oracle/oracle.ts';

type Event =
  | { readonly kind: 'pod'; readonly cpu: number; readonly port: number; readonly priority: number }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'node'; readonly which: number; readonly cpu: number }
  | { readonly kind: 'cordon'; readonly which: number }
  | { readonly kind: 'drop'; readonly which: number }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'wait'; readonly seconds: number };

const which = fc.nat(11);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('pod' as const),
      cpu: fc.constantFrom(1, 2, 3),
      port: fc.constantFrom(0, 0, 0, 80, 81),
      priority: fc.constantFrom(0, 0, 0, 10),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('node' as const),
      which: fc.nat(2),
      cpu: fc.constantFrom(2, 4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cordon' as const), which: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), which: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(0, 1, 15),
    }),
  },
);

class Cluster {
  readonly clock = new FakeClock();
  readonly pods = new FakeInformer<Pod>();
  readonly nodes = new FakeInformer<Node>();
  refusals = 0;
  #serial = 0;

  readonly client = {
    request: async (_method: string, path: string, body: { target: { name: string } }) => {
      if (this.refusals > 0) {
        this.refusals -= 1;
        throw new Error('refused');
      }
      const pod = this.pods.get(`default/${path.split('/').at(-2)}`);
      const node = body.target.name;
      if (pod === undefined) return;
      assert.equal(pod.spec.nodeName, undefined, 'A pod is bound once');
      this.pods.set({ ...pod, spec: { ...pod.spec, nodeName: node } });
      this.check();
    },
    patch: async (_kind: unknown, target: { name: string }, _type: string, body: Partial<Pod>) => {
      const pod = this.pods.get(`default/${target.name}`);
      if (pod === undefined) return;
      const { nominatedNodeName, ...status } = { ...pod.status, ...body.status };
      const nominated = nominatedNodeName == null ? {} : { nominatedNodeName };
      this.pods.set({ ...pod, status: { ...status, ...nominated } });
    },
    delete: async (_kind: unknown, target: { name: string }) => {
      const pod = this.pods.get(`default/${target.name}`);
      if (pod !== undefined) this.pods.delete(pod);
    },
  } as unknown as Pick<Client, 'request' | 'patch' | 'delete'>;

  do(one: Event): void {
    switch (one.kind) {
      case 'pod': {
        this.#serial += 1;
        const ports = one.port === 0 ? {} : { ports: [{ containerPort: 1, hostPort: one.port }] };
        const container = newContainer({ cpu: String(one.cpu) }, ports);
        const spec = { containers: [container], priority: one.priority };
        this.pods.set(newPod(`p${this.#serial}`, spec));
        break;
      }
      case 'delete': {
        const pod = this.pods.list()[one.which];
        if (pod !== undefined) this.pods.delete(pod);
        break;
      }
      case 'node': {
        const known = this.nodes.get(`n${one.which}`);
        // A node doesn't shrink under its pods.
        const had = Number(known?.status.allocatable?.cpu ?? 0);
        this.nodes.set(newNode(`n${one.which}`, { cpu: String(Math.max(had, one.cpu)) }));
        break;
      }
      case 'cordon': {
        const node = this.nodes.get(`n${one.which}`);
        const unschedulable = node?.spec.unschedulable !== true;
        if (node !== undefined) this.nodes.set({ ...node, spec: { ...node.spec, unschedulable } });
        break;
      }
      case 'drop': {
        const node = this.nodes.get(`n${one.which}`);
        if (node === undefined) break;
        this.nodes.delete(node);
        for (const pod of this.pods.list()) {
          if (pod.spec.nodeName === node.metadata.name) this.pods.delete(pod);
        }
        break;
      }
      case 'refuse':
        this.refusals += 1;
        break;
      case 'wait':
        break;
    }
  }

  /** No node above what it has, no port twice. */
  check(): void {
    for (const node of this.nodes.list()) {
      const here = this.pods.list().filter(({ spec }) => spec.nodeName === node.metadata.name);
      const cpu = here.reduce(
        (sum, { spec }) => sum + Number(spec.containers[0]?.resources?.requests?.cpu ?? 0),
        0,
      );
      const has = Number(node.status.allocatable?.cpu);
      assert.ok(cpu <= has, `${node.metadata.name} has ${has} CPUs and was given ${cpu}`);
      const ports = here.flatMap(({ spec }) => spec.containers[0]?.ports ?? []);
      const numbers = ports.map(({ hostPort }) => hostPort);
      assert.equal(new Set(numbers).size, numbers.length, 'A port was given twice');
    }
  }

  /** No pod waits while a node would take it. */
  checkNobodyWaits(): void {
    const [nodes, all] = [this.nodes.list(), this.pods.list()];
    const world = {
      nodes,
      pods: all.filter(({ spec }) => spec.nodeName !== undefined),
      namespaces: {},
    };
    for (const pod of all) {
      if (pod.spec.nodeName !== undefined || nodes.length === 0) continue;
      const { feasible } = decideSlowly(pod, world, 0);
      assert.deepEqual(feasible, [], `${pod.metadata.name} waits`);
    }
  }
}

describe('the scheduler, whatever happens', () => {
  it('gives no node more than it has, no port twice, and lets no pod wait that fits', async () => {
    const property = fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
      const cluster = new Cluster();
      const { clock, client, pods, nodes } = cluster;
      cluster.do({ kind: 'node', which: 0, cpu: 4 });
      const profile = defaultProfile({
        client,
        peersOf: () => undefined,
        namespaceLabels: () => ({}),
      });
      const scheduler = new Scheduler({
        client,
        clock,
        logger: silentLogger,
        recorder: { record: () => undefined },
        pods,
        nodes,
        frameworks: [new Framework('default-scheduler', profile)],
        tieBreak: { kind: 'first' },
      });
      const end = new AbortController();
      const running = scheduler.run(end.signal);
      for (const one of events) {
        cluster.do(one);
        if (one.kind !== 'wait') continue;
        await settle();
        if (one.seconds > 0) await clock.advance(one.seconds * 1_000);
        cluster.check();
      }
      // Back-off is at most ten seconds; each pod that preempts takes a turn of its own.
      for (let turn = 0; turn < 6; turn += 1) await clock.advance(11_000);
      cluster.check();
      cluster.checkNobodyWaits();
      end.abort();
      await running;
      assert.equal(clock.pending, 0, 'No timer is left');
    });
    await fc.assert(property, { numRuns: 120, seed: 38 });
  });
});
