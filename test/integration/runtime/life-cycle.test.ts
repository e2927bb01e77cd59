/** The CRI as its clients see it: states, idempotence, filters, error codes, limits. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/cri-pods.ts';
import { cgroupsOf, RuntimeNode } from '../../support/runtime-node.ts';

describe('the runtime', () => {
  let node: RuntimeNode;
  before(async () => {
    node = new RuntimeNode();
    await node.start();
  });
  after(() => node.close());

  const exec = async (id: string, ...cmd: string[]) => {
    const { stdout, stderr, exit_code } = await node.client.execSync({ container_id: id, cmd });
    return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode: exit_code };
  };

  it('says who it is and that it is ready', async () => {
    const version = await node.client.version({});
    assert.ok(Object.values(version).every((text) => text !== ''));
    const { status } = await node.client.status({});
    assert.deepEqual(
      status?.conditions.map((condition) => [condition.type, condition.status]),
      [
        ['RuntimeReady', true],
        ['NetworkReady', true],
      ],
    );
    const config = await node.client.runtimeConfig({});
    assert.equal(config.linux?.cgroup_driver, 'CGROUPFS');
  });

  it('takes a container from created to exited, and everything away in the end', async () => {
    const config = node.sandboxConfig({ labels: { app: 'a' }, annotations: { note: 'x y' } });
    const { pod_sandbox_id: sandbox } = await node.client.runPodSandbox({ config });
    const { status: pod } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    assert.equal(pod?.state, 'SANDBOX_READY');
    assert.match(pod?.network?.ip ?? '', /^10\.232\.9\./);
    assert.deepEqual([pod?.labels, pod?.annotations], [{ app: 'a' }, { note: 'x y' }]);

    const id = await node.createContainer(sandbox, ['/bin/sh', '-c', 'echo out; exit 3'], {
      labels: { tier: 'web' },
    });
    const created = await node.status(id);
    assert.deepEqual(
      [created.state, created.started_at, created.finished_at],
      ['CONTAINER_CREATED', '0', '0'],
    );
    assert.ok(BigInt(created.created_at) > 0n);
    assert.equal(created.image?.image, 'docker.io/skiff/host:latest');
    assert.match(created.image_ref, /^sha256:/);

    await node.client.startContainer({ container_id: id });
    const exited = await node.waitForExit(id);
    assert.deepEqual([exited.exit_code, exited.reason], [3, 'Error']);
    assert.ok(BigInt(exited.started_at) >= BigInt(exited.created_at) - 10_000_000n);
    assert.ok(BigInt(exited.finished_at) >= BigInt(exited.started_at));
    assert.match(readFileSync(exited.log_path, 'utf8'), /^\S+ stdout F out\n$/);

    await node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    await node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    const stopped = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    assert.equal(stopped.status?.state, 'SANDBOX_NOTREADY');
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    await assert.rejects(node.client.podSandboxStatus({ pod_sandbox_id: sandbox }), {
      code: 'NOT_FOUND',
    });
    await assert.rejects(node.client.containerStatus({ container_id: id }), { code: 'NOT_FOUND' });
    assert.ok(existsSync(exited.log_path), 'the log is the client’s');
  });

  it('gives a container its own processes, name and address, and nothing of the host', async () => {
    const sandbox = await node.runSandbox({ hostname: 'my-pod' });
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const ps = await exec(id, 'ps', '-e', '-o', 'pid=,comm=');
    assert.deepEqual(
      ps.stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/)[1]),
      ['sleep', 'ps'],
    );
    assert.equal((await exec(id, 'hostname')).stdout, 'my-pod\n');
    assert.equal((await exec(id, 'cat', '/etc/hostname')).stdout, 'my-pod\n');
    const { status } = await node.client.podSandboxStatus({ pod_sandbox_id: sandbox });
    const addresses = await exec(id, 'ip', '-o', 'addr', 'show', 'eth0');
    assert.ok(addresses.stdout.includes(`${status?.network?.ip}/24`));
    assert.equal(addresses.stdout.trim().split('\n').length, 1);
    assert.ok((await exec(id, 'cat', '/etc/hosts')).stdout.includes('my-pod'));
    for (const name of ['/etc/shadow', '/root/.bashrc', '/home', '/var/lib/skiff']) {
      const listed = await exec(id, 'ls', name);
      assert.equal(listed.stdout, '', name);
    }
    assert.equal((await exec(id, 'sh', '-c', 'echo x > /tmp/x && cat /tmp/x')).stdout, 'x\n');
    assert.equal((await exec(id, 'sh', '-c', 'echo $HOSTNAME')).stdout, 'my-pod\n');
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('runs commands and reports how they ended', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const result = await exec(id, 'sh', '-c', 'echo out; echo err >&2; exit 7');
    assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n', exitCode: 7 });
    await assert.rejects(
      node.client.execSync({ container_id: id, cmd: ['sleep', '100'], timeout: 1 }),
      { code: 'DEADLINE_EXCEEDED' },
    );
    await assert.rejects(exec(id, '/no/such/program'));
    const large = await exec(id, 'head', '-c', '20000000', '/dev/zero');
    assert.equal(large.exitCode, 0);
    assert.ok(large.stdout.length < 16 * 2 ** 20 && large.stdout.length > 2 ** 20);
    await node.client.stopContainer({ container_id: id, timeout: 0 });
    await assert.rejects(exec(id, 'true'), { code: 'FAILED_PRECONDITION' });
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('stops with the stop signal, and kills what does not listen', async () => {
    const sandbox = await node.runSandbox();
    const polite = await node.startContainer(sandbox, [
      'sh',
      '-c',
      'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done',
    ]);
    const { log_path } = await node.status(polite);
    await until('it listens', async () => readFileSync(log_path, 'utf8').includes('ready'));
    await node.client.stopContainer({ container_id: polite, timeout: 60 });
    assert.equal((await node.status(polite)).exit_code, 5);

    const deaf = await node.startContainer(sandbox, ['sleep', '1000'], {
      metadata: { name: 'deaf', attempt: 0 },
    });
    await node.client.stopContainer({ container_id: deaf, timeout: 1 });
    const status = await node.status(deaf);
    assert.deepEqual([status.exit_code, status.reason], [137, 'Error']);
    await node.client.stopContainer({ container_id: deaf, timeout: 1 });
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('reports a container that the kernel killed for its memory', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sh', '-c', 'a=x; while :; do a=$a$a; done'], {
      linux: {
        resources: { memory_limit_in_bytes: 32 * 2 ** 20 },
        security_context: { namespace_options: { pid: 'CONTAINER' } },
      },
    });
    const status = await node.waitForExit(id);
    assert.deepEqual([status.exit_code, status.reason], [137, 'OOMKilled']);
    assert.equal(status.resources?.linux?.memory_limit_in_bytes, String(32 * 2 ** 20));
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('keeps a container that cannot be started, with the reason', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.createContainer(sandbox, ['/no/such/program']);
    await assert.rejects(node.client.startContainer({ container_id: id }), /no\/such\/program/);
    const status = await node.status(id);
    assert.deepEqual(
      [status.state, status.exit_code, status.reason],
      ['CONTAINER_EXITED', 128, 'StartError'],
    );
    await assert.rejects(node.client.startContainer({ container_id: id }), {
      code: 'FAILED_PRECONDITION',
    });
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('measures what runs', async () => {
    const sandbox = await node.runSandbox({ labels: { measured: 'yes' } });
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const filter = { pod_sandbox_id: sandbox };
    const { stats } = await node.client.listContainerStats({ filter });
    assert.deepEqual(
      stats.map((each) => each.attributes?.id),
      [id],
    );
    const [only] = stats;
    assert.ok(Number(only?.cpu?.usage_core_nano_seconds?.value) > 0);
    assert.ok(Number(only?.memory?.working_set_bytes?.value) > 0);
    assert.equal(only?.memory?.available_bytes, null);
    assert.ok(Number(only?.writable_layer?.used_bytes?.value) > 0);
    assert.ok(BigInt(only?.cpu?.timestamp ?? 0) > 0n);
    const pod = await node.client.podSandboxStats({ pod_sandbox_id: sandbox });
    assert.equal(pod.stats?.linux?.process?.process_count?.value, '1');
    const selector = { filter: { label_selector: { measured: 'yes' } } };
    assert.equal((await node.client.listPodSandboxStats(selector)).stats.length, 1);
    const filesystems = await node.client.imageFsInfo({});
    assert.ok(existsSync(filesystems.image_filesystems[0]?.fs_id?.mountpoint ?? ''));
    await node.client.stopContainer({ container_id: id, timeout: 0 });
    assert.deepEqual((await node.client.listContainerStats({ filter })).stats, []);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('changes the limits of a running container', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['sleep', '1000']);
    const linux = { memory_limit_in_bytes: 64 * 2 ** 20, cpu_quota: 50_000, cpu_period: 100_000 };
    await node.client.updateContainerResources({ container_id: id, linux });
    const { resources } = await node.status(id);
    assert.equal(resources?.linux?.memory_limit_in_bytes, String(64 * 2 ** 20));
    const { stats } = await node.client.containerStats({ container_id: id });
    assert.ok(Number(stats?.memory?.available_bytes?.value) > 0);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('reserves names, and refuses what is not there', async () => {
    const config = node.sandboxConfig();
    const { pod_sandbox_id: sandbox } = await node.client.runPodSandbox({ config });
    await assert.rejects(node.client.runPodSandbox({ config }), { code: 'ALREADY_EXISTS' });
    const id = await node.createContainer(sandbox, ['true']);
    await assert.rejects(node.createContainer(sandbox, ['true']), { code: 'ALREADY_EXISTS' });
    await node.client.removeContainer({ container_id: id });
    await node.client.removeContainer({ container_id: id });
    await node.createContainer(sandbox, ['true']);
    await assert.rejects(
      node.createContainer(sandbox, ['true'], {
        metadata: { name: 'other', attempt: 0 },
        image: { image: 'no/such' },
      }),
      { code: 'NOT_FOUND' },
    );
    await assert.rejects(node.createContainer('feedfeedfeed', ['true']), { code: 'NOT_FOUND' });
    await assert.rejects(node.client.startContainer({ container_id: 'feedfeedfeed' }), {
      code: 'NOT_FOUND',
    });
    await node.client.stopContainer({ container_id: 'feedfeedfeed', timeout: 1 });
    await node.client.stopPodSandbox({ pod_sandbox_id: 'feedfeedfeed' });
    await node.client.stopPodSandbox({ pod_sandbox_id: sandbox });
    await assert.rejects(node.createContainer(sandbox, ['true']), { code: 'FAILED_PRECONDITION' });
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    const [registry, text] = ['127.0.0.1:9', /^RegistryUnavailable: failed to pull .*ECONNREFUSED/];
    await assert.rejects(node.client.pullImage({ image: { image: `${registry}/busybox` } }), {
      code: 'UNAVAILABLE',
      message: text,
    });
    assert.equal((await node.client.imageStatus({ image: { image: 'busybox' } })).image, null);
    const pulled = await node.client.pullImage({ image: { image: 'skiff/host:latest' } });
    assert.match(pulled.image_ref, /^sha256:/);
  });

  it('lists by id, state, sandbox and labels', async () => {
    const sandbox = await node.runSandbox({ labels: { list: 'yes' } });
    const id = await node.startContainer(sandbox, ['sleep', '1000'], { labels: { list: 'yes' } });
    const containers = async (filter: object) =>
      (await node.client.listContainers({ filter })).containers.map((container) => container.id);
    assert.deepEqual(await containers({ id }), [id]);
    assert.deepEqual(await containers({ id: id.slice(0, 12) }), [id]);
    assert.deepEqual(await containers({ id: 'feedfeedfeed' }), []);
    assert.deepEqual(await containers({ pod_sandbox_id: sandbox }), [id]);
    const running = { pod_sandbox_id: sandbox, state: { state: 'CONTAINER_RUNNING' } };
    assert.deepEqual(await containers(running), [id]);
    const exited = { pod_sandbox_id: sandbox, state: { state: 'CONTAINER_EXITED' } };
    assert.deepEqual(await containers(exited), []);
    const sandboxes = async (filter: object) =>
      (await node.client.listPodSandbox({ filter })).items.map((item) => item.id);
    assert.deepEqual(await sandboxes({ label_selector: { list: 'yes' } }), [sandbox]);
    assert.deepEqual(await sandboxes({ id: sandbox, label_selector: { list: 'no' } }), []);
    assert.equal((await node.status(id.slice(0, 12))).id, id);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('reopens a log that was renamed, for running containers only', async () => {
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, [
      'sh',
      '-c',
      'while :; do echo x; sleep 0.02; done',
    ]);
    const { log_path: log } = await node.status(id);
    await until('it logs', async () => existsSync(log) && readFileSync(log, 'utf8') !== '');
    renameSync(log, `${log}.1`);
    await node.client.reopenContainerLog({ container_id: id });
    await until('it logs again', async () => existsSync(log) && readFileSync(log, 'utf8') !== '');
    await node.client.stopContainer({ container_id: id, timeout: 0 });
    renameSync(log, `${log}.2`);
    await assert.rejects(node.client.reopenContainerLog({ container_id: id }));
    assert.equal(existsSync(log), false);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
  });

  it('tells those who listen what happens', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const listening = (async () => {
      for await (const event of node.client.getContainerEvents(controller.signal)) {
        seen.push(`${event.container_id} ${event.container_event_type}`);
      }
    })();
    // The subscription is in place once events of some sandbox arrive.
    await until('events arrive', async () => {
      await node.client.removePodSandbox({ pod_sandbox_id: await node.runSandbox() });
      return seen.length > 0;
    });
    seen.length = 0;
    const sandbox = await node.runSandbox();
    const id = await node.startContainer(sandbox, ['true']);
    await node.waitForExit(id);
    await node.client.removePodSandbox({ pod_sandbox_id: sandbox });
    const last = `${sandbox} CONTAINER_DELETED_EVENT`;
    await until('the last event arrives', async () => seen.includes(last));
    assert.deepEqual(seen, [
      `${sandbox} CONTAINER_CREATED_EVENT`,
      `${sandbox} CONTAINER_STARTED_EVENT`,
      `${id} CONTAINER_CREATED_EVENT`,
      `${id} CONTAINER_STARTED_EVENT`,
      `${id} CONTAINER_STOPPED_EVENT`,
      `${sandbox} CONTAINER_STOPPED_EVENT`,
      `${id} CONTAINER_DELETED_EVENT`,
      last,
    ]);
    controller.abort();
    await listening;
  });

  it('refuses by name what it does not implement', async () => {
    const hostPort = node.sandboxConfig({ port_mappings: [{ container_port: 80, host_port: 80 }] });
    await assert.rejects(node.client.runPodSandbox({ config: hostPort }), {
      code: 'UNIMPLEMENTED',
      message: /host port 80/,
    });
  });

  it('leaves nothing of what it removed', async () => {
    for (const folder of ['containers', 'sandboxes']) {
      assert.deepEqual(readdirSync(path.join(node.dataDir, folder)), []);
      assert.deepEqual(readdirSync(path.join(node.runDir, 'cri', folder)), []);
    }
    assert.deepEqual(readdirSync(path.join(node.runDir, 'network/addresses')), []);
    assert.deepEqual((await node.client.listContainers({})).containers, []);
    const below = cgroupsOf(node.name).filter((cgroup) => /pod-/.test(cgroup));
    assert.deepEqual(below, []);
  });
});
