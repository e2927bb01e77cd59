/** Specs of sandboxes: the runtime's own word, life, attributes, filters, name, DNS, sysctls, networks. */

import assert from 'node:assert/strict';
import { type GetTarget, output, SLEEP, type Spec, withContainer, withSandbox } from './target.ts';

export function sandboxSpecs(spec: Spec, get: GetTarget): void {
  spec('says what runtime it is', async () => {
    const version = await get().client.version({});
    assert.ok(Object.values(version).every((text) => text !== ''));
    assert.equal(version.runtime_api_version, 'v1');
  });

  spec('is ready, and so is its network', async () => {
    const { status } = await get().client.status({});
    const ready = status?.conditions.filter((condition) => condition.status) ?? [];
    const types = ready.map(({ type }) => type);
    assert.ok(types.includes('RuntimeReady') && types.includes('NetworkReady'));
  });

  spec('runs a sandbox, stops it, removes it', async () => {
    const { client, pods } = get();
    const id = await pods.runSandbox();
    const stateOf = async () =>
      (await client.podSandboxStatus({ pod_sandbox_id: id })).status?.state;
    assert.equal(await stateOf(), 'SANDBOX_READY');
    await client.stopPodSandbox({ pod_sandbox_id: id });
    assert.equal(await stateOf(), 'SANDBOX_NOTREADY');
    await client.removePodSandbox({ pod_sandbox_id: id });
    assert.deepEqual((await client.listPodSandbox({ filter: { id } })).items, []);
    await assert.rejects(stateOf(), { code: 'NOT_FOUND' });
  });

  spec('keeps the attributes of a sandbox', async () => {
    const { client, pods } = get();
    const config = {
      ...pods.sandboxConfig(),
      metadata: { name: 'attributes', namespace: 'spec', uid: 'attributes-uid', attempt: 2 },
      labels: { 'example.com/label': 'a' },
      annotations: { 'example.com/note': 'with blanks and "quotes"' },
    };
    const { pod_sandbox_id: id } = await client.runPodSandbox({ config });
    try {
      const { status } = await client.podSandboxStatus({ pod_sandbox_id: id });
      assert.deepEqual(status?.metadata, config.metadata);
      assert.deepEqual(status?.labels, config.labels);
      assert.deepEqual(status?.annotations, config.annotations);
      assert.ok(BigInt(status?.created_at ?? 0) > 0n);
      const filter = { label_selector: config.labels };
      const [item, ...more] = (await client.listPodSandbox({ filter })).items;
      assert.deepEqual([item?.id, item?.metadata, more], [id, config.metadata, []]);
    } finally {
      await client.removePodSandbox({ pod_sandbox_id: id });
    }
  });

  spec('lists sandboxes by id, state and labels', async () => {
    const target = get();
    const changes = { labels: { spec: 'sandbox-filters', other: 'x' } };
    const ids = async (filter: object): Promise<readonly string[]> =>
      (await target.client.listPodSandbox({ filter })).items.map((item) => item.id);
    await withSandbox(
      target,
      async (id) => {
        const selector = { label_selector: { spec: 'sandbox-filters' } };
        assert.deepEqual(await ids(selector), [id]);
        assert.deepEqual(await ids({ ...selector, state: { state: 'SANDBOX_READY' } }), [id]);
        assert.deepEqual(await ids({ ...selector, state: { state: 'SANDBOX_NOTREADY' } }), []);
        assert.deepEqual(await ids({ label_selector: { ...changes.labels, third: '' } }), []);
        assert.deepEqual(await ids({ id: 'f'.repeat(64) }), []);
      },
      changes,
    );
  });

  spec('refuses a second sandbox of the same name', async () => {
    const { client, pods } = get();
    const config = pods.sandboxConfig();
    const { pod_sandbox_id: id } = await client.runPodSandbox({ config });
    await assert.rejects(client.runPodSandbox({ config }), /reserved/);
    await client.removePodSandbox({ pod_sandbox_id: id });
    const again = await client.runPodSandbox({ config });
    await client.removePodSandbox({ pod_sandbox_id: again.pod_sandbox_id });
  });

  spec('stops and removes what is not there, or was stopped before', async () => {
    const { client, pods } = get();
    const unknown = { pod_sandbox_id: 'f'.repeat(64) };
    await client.stopPodSandbox(unknown);
    await client.removePodSandbox(unknown);
    const id = { pod_sandbox_id: await pods.runSandbox() };
    await client.stopPodSandbox(id);
    await client.stopPodSandbox(id);
    await client.removePodSandbox(id);
    await client.removePodSandbox(id);
  });

  spec('ends the containers of a sandbox that is stopped', async () => {
    const { client, pods } = get();
    await withContainer(get(), async (id, sandbox) => {
      await client.stopPodSandbox({ pod_sandbox_id: sandbox });
      assert.equal((await pods.status(id)).state, 'CONTAINER_EXITED');
      await assert.rejects(pods.createContainer(sandbox, SLEEP));
    });
  });

  spec('gives the pod its host name', async () => {
    const target = get();
    await withSandbox(
      target,
      async (sandbox) => {
        const id = await target.pods.startContainer(sandbox, SLEEP);
        assert.equal(await output(target, id, 'hostname'), 'my-host');
      },
      { hostname: 'my-host' },
    );
  });

  spec('writes the DNS configuration', async () => {
    const target = get();
    const dns_config = {
      servers: ['10.10.10.10'],
      searches: ['spec.example.com'],
      options: ['ndots:8'],
    };
    await withSandbox(
      target,
      async (sandbox) => {
        const id = await target.pods.startContainer(sandbox, SLEEP);
        const written = await output(target, id, 'cat', '/etc/resolv.conf');
        assert.deepEqual(written.split('\n').toSorted(), [
          'nameserver 10.10.10.10',
          'options ndots:8',
          'search spec.example.com',
        ]);
      },
      { dns_config },
    );
  });

  spec('sets sysctls of the pod, safe and unsafe ones', async () => {
    const target = get();
    const { linux } = target.pods.sandboxConfig();
    const sysctls = { 'kernel.shm_rmid_forced': '1', 'fs.mqueue.msg_max': '100' };
    await withSandbox(
      target,
      async (sandbox) => {
        const id = await target.pods.startContainer(sandbox, SLEEP);
        const read = (file: string) => output(target, id, 'cat', `/proc/sys/${file}`);
        assert.equal(await read('kernel/shm_rmid_forced'), '1');
        assert.equal(await read('fs/mqueue/msg_max'), '100');
      },
      { linux: { ...linux, sysctls } },
    );
  });

  spec('gives each pod an address at which another reaches it', async () => {
    const target = get();
    const { client, pods } = target;
    await withSandbox(target, async (first) => {
      const server = shellServer('hello');
      await pods.startContainer(first, server);
      const { status } = await client.podSandboxStatus({ pod_sandbox_id: first });
      const address = status?.network?.ip ?? '';
      assert.match(address, /^\d+\.\d+\.\d+\.\d+$/);
      await withContainer(target, async (id) => {
        const get = `for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://${address}:8080/ && exit 0; sleep 0.2; done; exit 1`;
        assert.equal(await output(target, id, '/bin/sh', '-c', get), 'hello');
      });
    });
  });

  spec('has no address of its own on the node’s network', async () => {
    const target = get();
    const { linux } = target.pods.sandboxConfig();
    const options = { network: 'NODE', pid: 'CONTAINER', ipc: 'POD' } as const;
    await withSandbox(
      target,
      async (sandbox) => {
        const { status } = await target.client.podSandboxStatus({ pod_sandbox_id: sandbox });
        assert.equal(status?.network?.ip ?? '', '');
      },
      { hostname: '', linux: { ...linux, security_context: { namespace_options: options } } },
    );
  });
}

function shellServer(text: string): readonly string[] {
  const script = `mkdir /www; echo ${text} > /www/index.html; exec httpd -f -p 8080 -h /www`;
  return ['/bin/sh', '-c', script];
}
