/**
 * kill -9 of the CRI server at every step of every RPC that changes something: nothing is left of what
 * was not finished once the client has cleaned up, and containers beside it run and log on.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/cri-pods.ts';
import { cgroupsOf, RuntimeNode } from '../../support/runtime-node.ts';

/** No RPC has more: one that never ends by itself is a failure of this test. */
const STEPS_MAX = 80;
const SLEEP = ['/bin/sleep', '1000000'];
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done';

interface Scenario {
  readonly rpc: string;
  /** Makes what the RPC needs, and returns the RPC itself. */
  readonly prepare: (node: RuntimeNode) => Promise<() => Promise<unknown>>;
}

async function container(node: RuntimeNode): Promise<{ sandbox: string; id: string }> {
  const sandbox = await node.runSandbox();
  return { sandbox, id: await node.startContainer(sandbox, SLEEP) };
}

const SCENARIOS: readonly Scenario[] = [
  { rpc: 'RunPodSandbox', prepare: async (node) => () => node.runSandbox() },
  {
    rpc: 'CreateContainer',
    prepare: async (node) => {
      const sandbox = await node.runSandbox();
      return () => node.createContainer(sandbox, SLEEP);
    },
  },
  {
    rpc: 'StartContainer',
    prepare: async (node) => {
      const id = await node.createContainer(await node.runSandbox(), SLEEP);
      return () => node.client.startContainer({ container_id: id });
    },
  },
  {
    rpc: 'StopContainer',
    prepare: async (node) => {
      const { id } = await container(node);
      return () => node.client.stopContainer({ container_id: id, timeout: 0 });
    },
  },
  {
    rpc: 'RemoveContainer',
    prepare: async (node) => {
      const { id } = await container(node);
      return () => node.client.removeContainer({ container_id: id });
    },
  },
  {
    rpc: 'UpdateContainerResources',
    prepare: async (node) => {
      const { id } = await container(node);
      const linux = { cpu_shares: 512 };
      return () => node.client.updateContainerResources({ container_id: id, linux });
    },
  },
  {
    rpc: 'StopPodSandbox',
    prepare: async (node) => {
      const { sandbox } = await container(node);
      return () => node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    },
  },
  {
    rpc: 'RemovePodSandbox',
    prepare: async (node) => {
      const { sandbox } = await container(node);
      return () => node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    },
  },
];

describe('a runtime that is killed at any step', () => {
  const node = new RuntimeNode();
  let witness = '';
  let witnessSandbox = '';
  let startedAt = '';
  let clean: Traces;

  before(async () => {
    await node.start({ isMortal: true });
    witnessSandbox = await node.runSandbox();
    witness = await node.startContainer(witnessSandbox, ['/bin/sh', '-c', COUNT]);
    startedAt = (await node.status(witness)).started_at;
    clean = tracesOf(node);
  });
  after(() => node.close());

  for (const { rpc, prepare } of SCENARIOS) {
    it(`of ${rpc} leaves nothing, and stops nobody else`, async () => {
      let step = 0;
      for (;;) {
        step += 1;
        assert.ok(step <= STEPS_MAX, 'it comes to an end');
        const act = await prepare(node);
        await node.dieAtStep(step);
        const failure = await act().then(
          () => undefined,
          (error: unknown) => error,
        );
        const hasDied = await node.hasDied();
        if (hasDied) await node.start({ isMortal: true });
        else {
          await node.dieAtStep(0);
          assert.equal(failure, undefined);
        }
        await checkContainers(node);
        await removeAllBut(node, witnessSandbox);
        await until(`all is gone after step ${step}`, async () =>
          isSame(tracesOf(node), clean),
        ).catch(() => assert.deepEqual(tracesOf(node), clean, `step ${step}`));
        if (!hasDied) break;
      }
      assert.ok(step > 1, 'it has steps');
      const now = await node.status(witness);
      assert.deepEqual([now.state, now.started_at], ['CONTAINER_RUNNING', startedAt]);
    });
  }

  it('has lost no line of a container beside it', async () => {
    const { log_path } = await node.status(witness);
    const lines = readFileSync(log_path, 'utf8').trimEnd().split('\n');
    const numbers = lines.map((line) => Number(line.split(' ')[3]));
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    const seen = numbers.length;
    await until(
      'it logs on',
      async () => readFileSync(log_path, 'utf8').split('\n').length > seen + 1,
    );
  });
});

/** Whatever is listed can be asked about, and is in a state that the CRI knows. */
async function checkContainers(node: RuntimeNode): Promise<void> {
  const { containers } = await node.client.listContainers({});
  for (const { id } of containers) {
    const { state } = await node.status(id);
    assert.notEqual(state, 'CONTAINER_UNKNOWN');
  }
}

/** As a client that has lost track cleans up. */
async function removeAllBut(node: RuntimeNode, kept: string): Promise<void> {
  const { items } = await node.client.listPodSandbox({});
  for (const { id } of items.filter((item) => item.id !== kept)) {
    await node.client.stopPodSandbox({ pod_sandbox_id: id });
    await node.client.removePodSandbox({ pod_sandbox_id: id });
  }
}

interface Traces {
  readonly cgroups: readonly string[];
  readonly mounts: number;
  readonly links: readonly string[];
  readonly files: readonly string[];
}

/** What sandboxes and containers leave on a machine when they are not taken away. */
function tracesOf(node: RuntimeNode): Traces {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const links = execFileSync('ip', ['-n', node.name, '-o', 'link'], { encoding: 'utf8' });
  const folders = [
    path.join(node.runDir, 'containers'),
    path.join(node.runDir, 'sandboxes'),
    path.join(node.runDir, 'network', 'addresses'),
    path.join(node.runDir, 'cri', 'containers'),
    path.join(node.runDir, 'cri', 'sandboxes'),
    path.join(node.dataDir, 'containers'),
    path.join(node.dataDir, 'sandboxes'),
  ];
  return {
    cgroups: cgroupsOf(node.name),
    mounts: mounts.filter((line) => line.includes(node.name)).length,
    links: [...links.matchAll(/veth\w+/g)].map(([name]) => name),
    files: folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name))),
  };
}

function isSame(now: Traces, then: Traces): boolean {
  return JSON.stringify(now) === JSON.stringify(then);
}
