/** Specs of who a container runs as, what it may do, and which namespaces it shares. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Input, PodSandboxConfig } from '../../../proto/cri/types.ts';
import {
  type CriTarget,
  exec,
  type GetTarget,
  output,
  SLEEP,
  type Spec,
  secured,
  withContainer,
  withSandbox,
} from './target.ts';

const CAP_NET_ADMIN = 12n;
const CAP_NET_RAW = 13n;
const CAP_SYS_ADMIN = 21n;

export function securitySpecs(spec: Spec, get: GetTarget): void {
  spec('runs as a user and group by number, with more groups', async () => {
    const target = get();
    const context = {
      run_as_user: { value: 1001 },
      run_as_group: { value: 1002 },
      supplemental_groups: [1234, 5678],
    };
    await withContainer(
      target,
      async (id) => {
        assert.equal(await output(target, id, 'id', '-u'), '1001');
        assert.equal(await output(target, id, 'id', '-g'), '1002');
        const groups = (await output(target, id, 'id', '-G')).split(' ').toSorted();
        assert.deepEqual(groups, ['1002', '1234', '5678']);
        const { user } = await target.pods.status(id);
        // Of 2024: runtimes before it do not say.
        if (user?.linux != null) assert.equal(user.linux.uid, '1001');
      },
      secured(context),
    );
  });

  spec('runs as a user by name', async () => {
    const target = get();
    await withContainer(
      target,
      async (id) => assert.equal(await output(target, id, 'id', '-u'), '1500'),
      secured({ run_as_username: 'someone' }),
    );
  });

  spec('refuses a group without a user', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const changes = secured({ run_as_group: { value: 1001 } });
      await assert.rejects(target.pods.createContainer(sandbox, SLEEP, changes));
    });
  });

  spec('makes the root read-only where asked, and only there', async () => {
    const target = get();
    const touch = (id: string) => exec(target, id, 'touch', '/made');
    await withContainer(
      target,
      async (id) => assert.match((await touch(id)).stderr, /Read-only/),
      secured({ readonly_rootfs: true }),
    );
    await withContainer(target, async (id) => assert.equal((await touch(id)).code, 0));
  });

  spec('gives the usual capabilities, and more or fewer where asked', async () => {
    const target = get();
    const effective = async (changes: object): Promise<bigint> => {
      let set = 0n;
      await withContainer(
        target,
        async (id) => {
          const status = await output(target, id, 'cat', '/proc/self/status');
          set = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
        },
        secured(changes),
      );
      return set;
    };
    const has = (set: bigint, capability: bigint): boolean => ((set >> capability) & 1n) === 1n;
    const usual = await effective({});
    assert.deepEqual([has(usual, CAP_NET_RAW), has(usual, CAP_SYS_ADMIN)], [true, false]);
    const more = await effective({ capabilities: { add_capabilities: ['NET_ADMIN'] } });
    assert.ok(has(more, CAP_NET_ADMIN));
    const fewer = await effective({ capabilities: { drop_capabilities: ['NET_RAW'] } });
    assert.ok(!has(fewer, CAP_NET_RAW));
    const all = await effective({ capabilities: { add_capabilities: ['ALL'] } });
    assert.ok(has(all, CAP_SYS_ADMIN));
    assert.equal(await effective({ capabilities: { drop_capabilities: ['ALL'] } }), 0n);
  });

  spec('sets no_new_privs where asked', async () => {
    const target = get();
    for (const no_new_privs of [true, false]) {
      await withContainer(
        target,
        async (id) => {
          const status = await output(target, id, 'cat', '/proc/self/status');
          assert.match(status, no_new_privs ? /NoNewPrivs:\s+1/ : /NoNewPrivs:\s+0/);
        },
        secured({ no_new_privs }),
      );
    }
  });

  spec('hides masked paths and protects read-only ones', async () => {
    const target = get();
    const context = { masked_paths: ['/etc/secret', '/proc/cpuinfo'], readonly_paths: ['/tmp'] };
    await withContainer(
      target,
      async (id) => {
        assert.equal(await output(target, id, 'cat', '/proc/cpuinfo'), '');
        assert.equal(await output(target, id, 'cat', '/etc/secret'), '');
        assert.match((await exec(target, id, 'touch', '/tmp/x')).stderr, /Read-only/);
      },
      secured(context),
    );
  });

  spec(
    'filters system calls as told: not at all, by default, or not for privileged ones',
    async () => {
      const target = get();
      const modeOf = async (
        changes: object,
        pod: Input<PodSandboxConfig> = {},
      ): Promise<string> => {
        let mode = '';
        await withSandbox(
          target,
          async (sandbox) => {
            const id = await target.pods.startContainer(sandbox, SLEEP, secured(changes));
            const status = await output(target, id, 'cat', '/proc/self/status');
            mode = /^Seccomp:\s+(\d)$/m.exec(status)?.[1] ?? '';
          },
          pod,
        );
        return mode;
      };
      assert.equal(await modeOf({}), '0');
      assert.equal(await modeOf({ seccomp: { profile_type: 'Unconfined' } }), '0');
      assert.equal(await modeOf({ seccomp: { profile_type: 'RuntimeDefault' } }), '2');
      const privileged = { privileged: true };
      const pod = podWith(target, privileged);
      const seccomp = { profile_type: 'RuntimeDefault' } as const;
      assert.equal(await modeOf({ ...privileged, seccomp }, pod), '0');
    },
  );

  spec('lets a privileged container make devices of the network, and no other', async () => {
    const target = get();
    const makeBridge = ['ip', 'link', 'add', 'br-spec', 'type', 'bridge'];
    await withContainer(target, async (id) => {
      assert.notEqual((await exec(target, id, ...makeBridge)).code, 0);
    });
    await withSandbox(
      target,
      async (sandbox) => {
        const changes = secured({ privileged: true });
        const id = await target.pods.startContainer(sandbox, SLEEP, changes);
        await output(target, id, ...makeBridge);
      },
      podWith(target, { privileged: true }),
    );
  });

  spec('gives each container processes of its own', async () => {
    const target = get();
    await withContainer(target, async (id) => {
      assert.equal(await output(target, id, 'cat', '/proc/1/comm'), 'sleep');
    });
  });

  spec('shows the processes of the node where asked', async () => {
    const target = get();
    const namespace_options = { network: 'POD', pid: 'NODE', ipc: 'POD' } as const;
    await withSandbox(
      target,
      async (sandbox) => {
        const id = await target.pods.startContainer(sandbox, SLEEP, secured({ namespace_options }));
        const own = readFileSync('/proc/1/comm', 'utf8').trim();
        assert.equal(await output(target, id, 'cat', '/proc/1/comm'), own);
        assert.equal(await output(target, id, 'readlink', '/proc/self/ns/pid'), namespaceOf('pid'));
      },
      podWith(target, { namespace_options }),
    );
  });

  spec('shares IPC with the pod, or with the node where asked', async () => {
    const target = get();
    const ipcOf = async (ipc: 'POD' | 'NODE'): Promise<readonly string[]> => {
      const namespace_options = { network: 'POD', pid: 'CONTAINER', ipc } as const;
      const seen: string[] = [];
      await withSandbox(
        target,
        async (sandbox) => {
          for (const name of ['one', 'two']) {
            const id = await target.pods.startContainer(sandbox, SLEEP, {
              ...secured({ namespace_options }),
              metadata: { name, attempt: 0 },
            });
            seen.push(await output(target, id, 'readlink', '/proc/self/ns/ipc'));
          }
        },
        podWith(target, { namespace_options }),
      );
      return seen;
    };
    assert.deepEqual(await ipcOf('NODE'), [namespaceOf('ipc'), namespaceOf('ipc')]);
    const [one, two] = await ipcOf('POD');
    assert.equal(one, two);
    assert.notEqual(one, namespaceOf('ipc'));
  });

  spec('shares the network with the pod, and files with nobody', async () => {
    const target = get();
    await withSandbox(target, async (sandbox) => {
      const start = (name: string) =>
        target.pods.startContainer(sandbox, SLEEP, { metadata: { name, attempt: 0 } });
      const [one, two] = [await start('one'), await start('two')];
      const net = (id: string) => output(target, id, 'readlink', '/proc/self/ns/net');
      assert.equal(await net(one), await net(two));
      await output(target, one, 'touch', '/mine');
      assert.notEqual((await exec(target, two, 'ls', '/mine')).code, 0);
    });
  });
}

/** A sandbox that allows what its container is to ask for. */
function podWith(target: CriTarget, context: object): Input<PodSandboxConfig> {
  const { linux } = target.pods.sandboxConfig();
  const namespace_options = { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } as const;
  return { linux: { ...linux, security_context: { namespace_options, ...context } } };
}

function namespaceOf(name: string): string {
  return execFileSync('readlink', [`/proc/self/ns/${name}`], { encoding: 'utf8' }).trim();
}
