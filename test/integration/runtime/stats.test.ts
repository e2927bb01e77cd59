/** What the CRI says of usage is what was used; and what it does not do it refuses by name. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { machineLayout } from '../../../agent/runtime/cgroup/machine-layout.ts';
import { readInterfaceCounters } from '../../../agent/runtime/network/interface-counters.ts';
import { loadCriServices } from '../../../proto/cri/load.ts';
import { CRI_CODES } from '../../../proto/cri/rpcs.ts';
import { until } from '../../support/cri-pods.ts';
import { RuntimeNode } from '../../support/runtime-node.ts';
import { notHere } from '../../support/spawner-harness.ts';

const MIB = 2 ** 20;
const layout = machineLayout();
const hasPressure =
  layout !== undefined &&
  (layout.kind === 'v2' || layout.unified !== undefined) &&
  existsSync('/proc/pressure');

describe('what the CRI says of usage', { skip: notHere }, () => {
  let node: RuntimeNode;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
  });
  after(() => node.close());

  const statsOf = async (container_id: string) => {
    const { stats } = await node.client.containerStats({ container_id });
    assert.ok(stats);
    return stats;
  };
  const podStats = async (pod_sandbox_id: string) => {
    const { linux } = (await node.client.podSandboxStats({ pod_sandbox_id })).stats ?? {};
    assert.ok(linux);
    return linux;
  };
  const limited = (memory_limit_in_bytes: number) => ({
    linux: {
      resources: { memory_limit_in_bytes },
      security_context: { namespace_options: { pid: 'CONTAINER' as const } },
    },
  });

  it('CPU in use is known from the second request on, of containers and pods', async () => {
    const sandbox = await node.runSandbox();
    const busy = ['/bin/sh', '-c', 'while :; do :; done'];
    const id = await node.startContainer(sandbox, busy);
    assert.equal((await statsOf(id)).cpu?.usage_nano_cores, null);
    assert.equal((await podStats(sandbox)).cpu?.usage_nano_cores, null);
    const isKnown = async () => {
      const own = (await statsOf(id)).cpu?.usage_nano_cores?.value;
      const ofPod = (await podStats(sandbox)).cpu?.usage_nano_cores?.value;
      return own !== undefined && ofPod !== undefined;
    };
    await until('the rates are known', isKnown);
    const cores = Number((await statsOf(id)).cpu?.usage_nano_cores?.value);
    assert.ok(cores > 0 && cores < 1.5e9, `one process uses ${cores} nanocores`);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('memory has a rest below its limit, and swap and pressure where the machine counts them', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000'], limited(64 * MIB));
    const { memory, swap, cpu, io } = await statsOf(id);
    const workingSet = Number(memory?.working_set_bytes?.value);
    assert.equal(Number(memory?.available_bytes?.value) + workingSet, 64 * MIB);
    assert.ok(Number(memory?.usage_bytes?.value) >= workingSet && workingSet > 0);
    assert.ok(Number(memory?.rss_bytes?.value) > 0);
    assert.ok(Number(memory?.page_faults?.value) > 0);
    assert.ok(memory?.major_page_faults !== null);
    if (swap !== null) {
      assert.deepEqual(
        [swap.swap_usage_bytes?.value, swap.swap_available_bytes?.value],
        ['0', '0'],
      );
    }
    if (hasPressure) {
      assert.ok([cpu?.psi, memory?.psi, io?.psi].every((psi) => psi?.Some && psi.Full));
    }
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('a pod’s network is what passes its interfaces, and this process stays where it is', async () => {
    const sandbox = await node.runSandbox();
    const before = readInterfaceCounters('/proc/self/ns/net');
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const received = async () => (await podStats(sandbox)).network?.default_interface;
    const first = await received();
    assert.equal(first?.name, 'eth0');
    const script = 'echo x >/dev/udp/10.232.9.1/9 || true';
    const cmd = ['bash', '-c', script];
    assert.equal((await node.client.execSync({ container_id: id, cmd })).exit_code, 0);
    await until('it was counted', async () => {
      const now = await received();
      return Number(now?.tx_bytes?.value) > Number(first.tx_bytes?.value ?? 0);
    });
    const last = await received();
    assert.deepEqual([last?.rx_errors?.value, last?.tx_errors?.value], ['0', '0']);
    assert.deepEqual((await podStats(sandbox)).network?.interfaces, []);
    const names = (counters: typeof before) => counters.map(({ name }) => name);
    assert.deepEqual(names(readInterfaceCounters('/proc/self/ns/net')), names(before));
    await node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    assert.equal((await podStats(sandbox)).network, null);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('a pod on the node’s network has none of its own', async () => {
    const namespace_options = { network: 'NODE' as const, pid: 'CONTAINER' as const };
    const sandbox = await node.runSandbox({ linux: { security_context: { namespace_options } } });
    const filter = { id: sandbox };
    const { stats } = await node.client.listPodSandboxStats({ filter });
    assert.deepEqual(
      stats.map(({ linux }) => linux?.network),
      [null],
    );
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('writable layers are counted alone and together, a file of two names once', async () => {
    const writes =
      'head -c 3000000 /dev/zero >/big; ln /big /same; mkdir /many; touch /many/1 /many/2; sleep 1000';
    const layers = async () => (await node.client.imageFsInfo({})).container_filesystems[0];
    const sandbox = await node.runSandbox();
    const before = await layers();
    assert.deepEqual([before?.used_bytes?.value, before?.inodes_used?.value], ['0', '0']);
    const id = await node.startContainer(sandbox, ['/bin/sh', '-c', writes]);
    const isWritten = async () => {
      const cmd = ['test', '-e', '/many/2'];
      return (await node.client.execSync({ container_id: id, cmd })).exit_code === 0;
    };
    await until('all is written', isWritten);
    const { writable_layer: layer } = await statsOf(id);
    const bytes = Number(layer?.used_bytes?.value);
    assert.ok(bytes >= 3_000_000 && bytes < 4_000_000, `${bytes} bytes`);
    assert.ok(existsSync(layer?.fs_id?.mountpoint ?? ''));
    const all = await layers();
    assert.deepEqual(all?.used_bytes, layer?.used_bytes);
    assert.deepEqual(all?.inodes_used, layer?.inodes_used);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    assert.equal((await layers())?.used_bytes?.value, '0');
  });

  it('of what has ended there is none, of what is not there an error', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['true']);
    await node.waitForExit(id);
    const { attributes, cpu, memory, writable_layer } = await statsOf(id);
    assert.equal(attributes?.id, id);
    assert.deepEqual([cpu, memory, writable_layer], [null, null, null]);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    await assert.rejects(statsOf(id), { code: 'NOT_FOUND' });
    await assert.rejects(podStats(sandbox), { code: 'NOT_FOUND' });
    await assert.rejects(podStats(''), { code: 'NOT_FOUND' });
    const { stats } = await node.client.listPodSandboxStats({ filter: { id: sandbox } });
    assert.deepEqual(stats, []);
  });

  it('what is not implemented is refused by its name', async () => {
    const { runtime, image } = loadCriServices();
    const names = [
      ...['UpdatePodSandboxResources', 'ListMetricDescriptors', 'ListPodSandboxMetrics'],
      ...['CheckpointContainer', 'CheckpointPod', 'RestorePod'],
      ...['StreamPodSandboxes', 'StreamContainers', 'StreamContainerStats'],
      ...['StreamPodSandboxStats', 'StreamPodSandboxMetrics', 'StreamImages'],
    ];
    const client = new Client(`unix:${node.socket}`, credentials.createInsecure());
    try {
      for (const name of names) {
        const method = runtime[name] ?? image[name];
        assert.ok(method, name);
        const error = await new Promise<unknown>((resolve) => {
          const { path, requestSerialize, responseDeserialize } = method;
          if (method.responseStream) {
            client
              .makeServerStreamRequest(path, requestSerialize, responseDeserialize, {})
              .on('error', resolve)
              .on('end', () => resolve(undefined))
              .resume();
          } else {
            client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, resolve);
          }
        });
        assert.ok(error instanceof Error && 'code' in error && 'details' in error, name);
        assert.deepEqual(
          [error.code, error.details],
          [CRI_CODES.indexOf('UNIMPLEMENTED'), `not implemented: ${name}`],
        );
      }
    } finally {
      client.close();
    }
  });
});
