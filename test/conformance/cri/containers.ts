/** Specs of containers: life, attributes, filters, stopping, mounts, limits, statistics. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../support/cri-pods.ts';
import {
  exec,
  type GetTarget,
  logOf,
  output,
  SLEEP,
  type Spec,
  secured,
  shell,
  withContainer,
  withSandbox,
} from './target.ts';

const MIB = 2 ** 20;

export function containerSpecs(spec: Spec, get: GetTarget): void {
  spec('takes a container from created to running to exited to gone', async () => {
    const target = get();
    const { client, pods } = target;
    await withSandbox(target, async (sandbox) => {
      const id = await pods.createContainer(sandbox, SLEEP);
      const created = await pods.status(id);
      assert.equal(created.state, 'CONTAINER_CREATED');
      assert.deepEqual([created.started_at, created.finished_at], ['0', '0']);
      await client.startContainer({ container_id: id });
      assert.equal((await pods.status(id)).state, 'CONTAINER_RUNNING');
      await client.stopContainer({ container_id: id, timeout: 0 });
      const exited = await pods.status(id);
      assert.deepEqual([exited.state, exited.exit_code], ['CONTAINER_EXITED', 137]);
      assert.ok(BigInt(exited.finished_at) >= BigInt(exited.started_at));
      assert.ok(BigInt(exited.started_at) >= BigInt(exited.created_at));
      await assert.rejects(client.startContainer({ container_id: id }));
      await client.removeContainer({ container_id: id });
      await assert.rejects(pods.status(id), { code: 'NOT_FOUND' });
    });
  });

  spec('reports how a container ended by itself', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const start = (name: string, script: string) =>
        target.pods.startContainer(sandbox, shell(script), { metadata: { name, attempt: 0 } });
      const good = await target.pods.waitForExit(await start('good', 'exit 0'));
      assert.deepEqual([good.exit_code, good.reason], [0, 'Completed']);
      const bad = await target.pods.waitForExit(await start('bad', 'exit 12'));
      assert.deepEqual([bad.exit_code, bad.reason], [12, 'Error']);
    });
  });

  spec('keeps the attributes of a container', async () => {
    const target = get();
    const changes = {
      metadata: { name: 'attributes', attempt: 3 },
      labels: { 'example.com/label': 'a' },
      annotations: { 'example.com/note': 'b c' },
    };
    await withContainer(
      target,
      async (id, sandbox) => {
        const status = await target.pods.status(id);
        assert.deepEqual(status.metadata, changes.metadata);
        assert.deepEqual(status.labels, changes.labels);
        assert.deepEqual(status.annotations, changes.annotations);
        assert.ok(status.image_ref !== '' && path.isAbsolute(status.log_path));
        const { containers } = await target.client.listContainers({ filter: { id } });
        const [item] = containers;
        assert.deepEqual([item?.pod_sandbox_id, item?.state], [sandbox, 'CONTAINER_RUNNING']);
        assert.deepEqual([item?.metadata, item?.labels], [changes.metadata, changes.labels]);
      },
      changes,
    );
  });

  spec('lists containers by id, state, sandbox and labels', async () => {
    const target = get();
    const ids = async (filter: object): Promise<readonly string[]> =>
      (await target.client.listContainers({ filter })).containers.map((each) => each.id);
    await withContainer(
      target,
      async (id, sandbox) => {
        assert.deepEqual(await ids({ pod_sandbox_id: sandbox }), [id]);
        assert.deepEqual(await ids({ label_selector: { spec: 'container-filters' } }), [id]);
        assert.deepEqual(await ids({ id, state: { state: 'CONTAINER_RUNNING' } }), [id]);
        assert.deepEqual(await ids({ id, state: { state: 'CONTAINER_EXITED' } }), []);
        assert.deepEqual(await ids({ id: 'f'.repeat(64) }), []);
      },
      { labels: { spec: 'container-filters' } },
    );
  });

  spec('stops and removes what is not there, has ended, or was never started', async () => {
    const target = get();
    const { client, pods } = target;
    const unknown = { container_id: 'f'.repeat(64) };
    await client.stopContainer({ ...unknown, timeout: 1 });
    await client.removeContainer(unknown);
    await withSandbox(target, async (sandbox) => {
      const id = { container_id: await pods.createContainer(sandbox, SLEEP) };
      await client.startContainer(id);
      await client.stopContainer({ ...id, timeout: 0 });
      await client.stopContainer({ ...id, timeout: 60 });
      await client.removeContainer(id);
      await client.removeContainer(id);
      const created = await pods.createContainer(sandbox, SLEEP);
      await client.removeContainer({ container_id: created });
    });
  });

  spec('removes a container that runs', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      await target.client.removeContainer({ container_id: id });
      await assert.rejects(target.pods.status(id), { code: 'NOT_FOUND' });
    });
  });

  spec('asks first, and kills what does not listen in time', async () => {
    const target = get();
    const { client, pods } = target;
    await withSandbox(target, async (sandbox) => {
      const polite = await pods.startContainer(
        sandbox,
        shell('trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'),
        { metadata: { name: 'polite', attempt: 0 } },
      );
      await until('it listens', async () => (await logOf(target, polite)).includes('ready'));
      await client.stopContainer({ container_id: polite, timeout: 60 });
      assert.equal((await pods.status(polite)).exit_code, 5);
      const deaf = await pods.startContainer(sandbox, SLEEP);
      await client.stopContainer({ container_id: deaf, timeout: 1 });
      assert.equal((await pods.status(deaf)).exit_code, 137);
    });
  });

  spec('keeps a container whose program is not there, as one that has ended', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const id = await target.pods.createContainer(sandbox, ['/no/such/program']);
      await assert.rejects(target.client.startContainer({ container_id: id }), /no such file/i);
      const status = await target.pods.status(id);
      assert.deepEqual([status.state, status.exit_code], ['CONTAINER_EXITED', 128]);
    });
  });

  spec('refuses a second container of the same name, and an image that is not there', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      await target.pods.createContainer(sandbox, SLEEP);
      await assert.rejects(target.pods.createContainer(sandbox, SLEEP), /reserved/);
      const missing = {
        image: { image: 'localhost/no-such:1' },
        metadata: { name: 'b', attempt: 0 },
      };
      await assert.rejects(target.pods.createContainer(sandbox, SLEEP, missing), {
        code: 'NOT_FOUND',
      });
    });
  });

  spec('runs in its folder, with its environment', async () => {
    const target = get();
    const changes = {
      working_dir: '/tmp/deep/er',
      envs: [
        { key: 'ONE', value: Buffer.from('1 and more') },
        { key: 'TWO', value: Buffer.from('') },
      ],
    };
    await withContainer(
      target,
      async (id) => {
        assert.equal(await output(target, id, 'pwd'), '/tmp/deep/er');
        const env = await output(target, id, 'env');
        assert.match(env, /^ONE=1 and more$/m);
        assert.match(env, /^TWO=$/m);
      },
      changes,
    );
  });

  spec(
    'mounts folders of the machine, also through a link, and reports exactly those',
    async () => {
      const target = get();
      const folder = mkdtempSync(path.join(target.folder, 'mounts-'));
      const source = path.join(folder, 'source');
      mkdirSync(source);
      writeFileSync(path.join(source, 'file'), 'content');
      symlinkSync(source, path.join(folder, 'link'));
      const mounts = [
        { container_path: '/rw', host_path: source },
        { container_path: '/ro', host_path: path.join(folder, 'link'), readonly: true },
      ];
      await withContainer(
        target,
        async (id) => {
          assert.equal(await output(target, id, 'cat', '/ro/file'), 'content');
          await output(target, id, 'touch', '/rw/made');
          assert.ok(existsSync(path.join(source, 'made')));
          assert.match((await exec(target, id, 'touch', '/ro/x')).stderr, /Read-only/);
          const reported = (await target.pods.status(id)).mounts;
          assert.deepEqual(
            reported.map((mount) => [mount.container_path, mount.readonly]),
            [
              ['/rw', false],
              ['/ro', true],
            ],
          );
        },
        { mounts },
      );
    },
  );

  spec('reports a container that the kernel killed for its memory', async () => {
    const target = get();
    const { linux } = secured({});
    const resources = { memory_limit_in_bytes: 15 * MIB, memory_swap_limit_in_bytes: 15 * MIB };
    await withSandbox(target, async (sandbox) => {
      const command = shell('dd if=/dev/zero of=/dev/null bs=40M count=1');
      const id = await target.pods.startContainer(sandbox, command, {
        linux: { ...linux, resources },
      });
      const { exit_code, reason } = await target.pods.waitForExit(id);
      assert.deepEqual([exit_code, reason], [137, 'OOMKilled']);
    });
  });

  spec('changes limits while the container runs', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      const linux = { cpu_quota: 50_000, cpu_period: 100_000, cpu_shares: 512 };
      await target.client.updateContainerResources({ container_id: id, linux });
      const { resources } = await target.pods.status(id);
      assert.equal(resources?.linux?.cpu_quota ?? '50000', '50000');
    });
  });

  spec('measures containers that run', async () => {
    const target = get();
    const { client } = target;
    const script = 'dd if=/dev/zero of=/written bs=64k count=4; while :; do :; done';
    await withSandbox(target, async (sandbox) => {
      const id = await target.pods.startContainer(sandbox, shell(script), {
        labels: { spec: 'stats' },
      });
      await until('there is something to see', async () => {
        const { stats } = await client.containerStats({ container_id: id });
        const cpu = Number(stats?.cpu?.usage_core_nano_seconds?.value ?? 0);
        return cpu > 0 && Number(stats?.memory?.working_set_bytes?.value ?? 0) > 0;
      });
      const { stats } = await client.containerStats({ container_id: id });
      assert.ok(BigInt(stats?.cpu?.timestamp ?? 0) > 0n);
      assert.ok(BigInt(stats?.memory?.timestamp ?? 0) > 0n);
      assert.equal(stats?.attributes?.labels.spec, 'stats');
      const of = async (filter: object) =>
        (await client.listContainerStats({ filter })).stats.map(({ attributes }) => attributes?.id);
      assert.deepEqual(await of({ pod_sandbox_id: sandbox }), [id]);
      assert.deepEqual(await of({ label_selector: { spec: 'stats' } }), [id]);
      assert.deepEqual(await of({ id }), [id]);
      assert.deepEqual(await of({ id, label_selector: { spec: 'other' } }), []);
      assert.deepEqual(await of({ id: 'f'.repeat(64) }), []);
      await assert.rejects(client.containerStats({ container_id: 'f'.repeat(64) }));
    });
  });
}
