/** What a user of a pod meets: the process in its namespaces, its limits, its life. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Event, Pod } from '../../proto/api/gen/core-v1.ts';
import { eventually } from '../support/eventually.ts';
import { TestLab } from '../support/test-lab.ts';

interface PodFields {
  readonly [field: string]: unknown;
}

/** A pod that runs a shell script in the built-in image. */
function shellPod(
  name: string,
  script: string,
  spec: PodFields = {},
  container: PodFields = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { test: name } },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: 'c', image: 'skiff/host', command: ['/bin/sh', '-c', script], ...container },
      ],
      ...spec,
    },
  });
}

describe('pods', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '2');
  });
  after(() => lab.down());

  async function apply(manifest: string): Promise<void> {
    const { code, stderr } = await lab.run('./skiff', ['apply', '-f', '-'], { input: manifest });
    assert.equal(code, 0, stderr);
  }

  async function untilPhase(name: string, ...phases: readonly string[]): Promise<Pod> {
    return await eventually(`${name} is ${phases.join(' or ')}`, async () => {
      const pod = await lab.get<Pod>('pod', name);
      if (phases.includes(pod.status.phase ?? '')) return pod;
      throw new Error(JSON.stringify(pod.status, undefined, 1));
    });
  }

  /** The log of a pod that runs a script to its end. */
  async function run(
    name: string,
    script: string,
    spec?: PodFields,
    container?: PodFields,
  ): Promise<string> {
    await apply(shellPod(name, script, spec, container));
    await untilPhase(name, 'Succeeded');
    return await lab.kubectl('logs', name);
  }

  // `$$` is the agent's escape of `$`, as the kubelet's.
  it('sees only its own processes, its own name and its own address', async () => {
    const log = await run(
      'isolated',
      'ps -e -o pid,comm; hostname; ip -4 -o addr; echo "pid $$$$"',
    );
    const lines = log.trim().split('\n');
    assert.match(log, /^ +PID COMMAND\n +1 sh\n +\d+ ps\nisolated\n/);
    assert.equal(lines.at(-1), 'pid 1');
    const { status } = await lab.get<Pod>('pod', 'isolated');
    const addresses = [...log.matchAll(/inet ([\d.]+)\//g)].map(([, address]) => address);
    assert.deepEqual(addresses, ['127.0.0.1', status.podIP]);
  });

  it('has few capabilities, no new privileges, masked paths, and a root of its own', async () => {
    const script = [
      'grep -E "^(CapEff|CapBnd|CapInh|NoNewPrivs)" /proc/self/status',
      'for f in keys kcore; do [ ! -e /proc/$f ] || stat -c %F /proc/$f; done',
      'touch /written && ls -d /written',
      'ls -A /root /home',
    ].join('; ');
    const security = { securityContext: { allowPrivilegeEscalation: false } };
    const log = await run('confined', script, {}, security);
    assert.match(log, /CapInh:\t0000000000000000/);
    // The default list of 14: chown, dac_override, … setfcap. Source: CRI's usual default.
    assert.match(log, /CapEff:\t00000000a80425fb/);
    assert.match(log, /CapBnd:\t00000000a80425fb/);
    assert.match(
      log,
      /NoNewPrivs:\t1\n(character special file\n)+\/written\n\/home:\n\n\/root:\n$/,
    );
  });

  it('has users of its own, a seccomp filter and shared PIDs when it asks for them', async () => {
    const volume = {
      hostUsers: false,
      shareProcessNamespace: true,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [{ name: 'scratch', emptyDir: {} }],
    };
    const mounts = { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] };
    const script = [
      'id -u; cat /proc/self/uid_map; cat /proc/1/comm; grep Seccomp: /proc/self/status',
      'touch /scratch/file; stat -c %u:%g /scratch /scratch/file /etc/hosts',
    ].join('; ');
    const log = await run('own-users', script, volume, mounts);
    const [id, map = '', ...rest] = log.trim().split('\n');
    assert.equal(id, '0');
    const [inside, outside, length] = map.trim().split(/ +/).map(Number);
    assert.deepEqual([inside, length], [0, 65_536]);
    assert.ok((outside ?? 0) > 0 && (outside ?? 0) % 65_536 === 0, map);
    assert.deepEqual(rest, ['pause', 'Seccomp:\t2', '0:0', '0:0', '0:0']);
  });

  it('is killed over its memory limit, and reported as OOMKilled', async () => {
    const limits = { resources: { limits: { memory: '32Mi' } } };
    const script = 'exec perl -e \'my $x = "x" x (256 * 1024 * 1024); sleep 60\'';
    await apply(shellPod('hungry', script, {}, limits));
    const pod = await untilPhase('hungry', 'Failed');
    const terminated = pod.status.containerStatuses?.[0]?.state?.terminated;
    assert.equal(terminated?.reason, 'OOMKilled');
    assert.equal(terminated?.exitCode, 137);
    assert.match(await lab.kubectl('get', 'pod', 'hungry'), /OOMKilled/);
  });

  it('reports exit codes, and restarts by policy with back-off', async () => {
    await apply(shellPod('fails', 'exit 3'));
    const failed = await untilPhase('fails', 'Failed');
    const state = failed.status.containerStatuses?.[0]?.state?.terminated;
    assert.equal(state?.exitCode, 3);
    assert.equal(state?.reason, 'Error');

    await apply(shellPod('restarts', 'exit 1', { restartPolicy: 'Always' }));
    await eventually('CrashLoopBackOff', async () => {
      const { status } = await lab.get<Pod>('pod', 'restarts');
      const [container] = status.containerStatuses ?? [];
      assert.ok((container?.restartCount ?? 0) >= 1);
      assert.equal(container?.state?.waiting?.reason, 'CrashLoopBackOff');
      assert.equal(container?.lastState?.terminated?.exitCode, 1);
    });
    await lab.kubectl('delete', 'pod', 'restarts', '--now');
  });

  it('runs init containers in order before the others', async () => {
    const shared = [{ name: 'work', mountPath: '/data' }];
    const init = (name: string): object => ({
      name,
      image: 'skiff/host',
      command: ['/bin/sh', '-c', `echo ${name} >> /data/order`],
      volumeMounts: shared,
    });
    const log = await run(
      'with-init',
      'cat /data/order',
      {
        initContainers: [init('first'), init('second')],
        volumes: [{ name: 'work', emptyDir: {} }],
      },
      { volumeMounts: shared },
    );
    assert.equal(log, 'first\nsecond\n');
  });

  it('takes environment and files from config maps, secrets and its own fields', async () => {
    await lab.kubectl('create', 'configmap', 'settings', '--from-literal=color=blue');
    await lab.kubectl('create', 'secret', 'generic', 'password', '--from-literal=key=s3cret');
    const log = await run(
      'configured',
      'echo $COLOR $KEY $POD $NODE; cat /config/color /secret/key; ls -la /config | grep -c data; stat -f -c %T /secret',
      {
        volumes: [
          { name: 'config', configMap: { name: 'settings' } },
          { name: 'secret', secret: { secretName: 'password' } },
        ],
      },
      {
        env: [
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
          { name: 'KEY', valueFrom: { secretKeyRef: { name: 'password', key: 'key' } } },
          { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ],
        volumeMounts: [
          { name: 'config', mountPath: '/config' },
          { name: 'secret', mountPath: '/secret', readOnly: true },
        ],
      },
    );
    assert.match(log, /^blue s3cret configured node-\d\nblues3cret/);
    assert.match(log, /tmpfs/);
  });

  it('waits for what it needs, and says what is missing', async () => {
    const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'later', key: 'x' } } }];
    await apply(shellPod('needs', 'echo $X', {}, { env }));
    await eventually('CreateContainerConfigError', async () => {
      const { status } = await lab.get<Pod>('pod', 'needs');
      const waiting = status.containerStatuses?.[0]?.state?.waiting;
      assert.equal(waiting?.reason, 'CreateContainerConfigError');
      assert.match(waiting?.message ?? '', /configmap "later" not found/);
    });
    await lab.kubectl('create', 'configmap', 'later', '--from-literal=x=there');
    await untilPhase('needs', 'Succeeded');
  });

  it('becomes ready by its readiness probe, and is restarted by its liveness probe', async () => {
    const probe = (file: string): object => ({
      exec: { command: ['/bin/sh', '-c', `test -e ${file}`] },
      periodSeconds: 1,
      failureThreshold: 1,
    });
    const script = 'touch /alive; sleep 1; touch /ready; sleep 600';
    const probes = { readinessProbe: probe('/ready'), livenessProbe: probe('/alive') };
    await apply(shellPod('probed', script, { restartPolicy: 'Always' }, probes));
    await lab.kubectl('wait', 'pod/probed', '--for=condition=Ready', '--timeout=30s');
    await lab.kubectl('exec', 'probed', '--', 'rm', '/alive');
    await eventually('a restart', async () => {
      const { status } = await lab.get<Pod>('pod', 'probed');
      assert.ok((status.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    });
    const events = await lab.get<{ items: Event[] }>('events');
    const messages = events.items.map(({ message }) => message ?? '');
    assert.ok(messages.some((text) => text.startsWith('Liveness probe failed')));
    await lab.kubectl('delete', 'pod', 'probed', '--now');
  });

  it('ends with SIGTERM, and with SIGKILL after its grace', async () => {
    await apply(
      shellPod('polite', 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.05; done'),
    );
    await apply(
      shellPod('stubborn', 'trap "" TERM; while :; do sleep 0.05; done', {
        terminationGracePeriodSeconds: 2,
      }),
    );
    await untilPhase('polite', 'Running');
    await untilPhase('stubborn', 'Running');
    await eventually(
      'the trap is set',
      async () => (await lab.kubectl('logs', 'polite')) === 'up\n',
    );
    const following = lab.kubectl('logs', '-f', 'polite');
    await lab.kubectl('delete', 'pod', 'polite', 'stubborn', '--timeout=20s');
    assert.equal(await following, 'up\nbye\n');
  });

  it('reaches pods on its own and on other nodes by IP', async () => {
    const server =
      'exec perl -MIO::Socket::INET -e \'my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9) or die; while (my $c = $s->accept) { print $c "hi\\n"; close $c }\'';
    for (const node of ['node-1', 'node-2']) {
      await apply(shellPod(`server-${node}`, server, { nodeName: node }));
    }
    const ips: string[] = [];
    for (const node of ['node-1', 'node-2']) {
      const { status } = await untilPhase(`server-${node}`, 'Running');
      ips.push(status.podIP ?? '');
    }
    const dial = ips
      .map(
        (ip) =>
          `perl -MIO::Socket::INET -e 'my $s; for (1..100) { $s = IO::Socket::INET->new("${ip}:80") and last; select undef, undef, undef, 0.05 } print <$s>'`,
      )
      .join('; ');
    assert.equal(await run('dialer', dial, { nodeName: 'node-1' }), 'hi\nhi\n');
  });

  it('runs commands in containers: output, exit code, standard input', async () => {
    await apply(shellPod('target', 'sleep 600'));
    await untilPhase('target', 'Running');
    assert.equal(await lab.skiff('exec', 'target', '--', 'echo', 'hello'), 'hello\n');
    const failed = await lab.run('./skiff', [
      'exec',
      'target',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ]);
    assert.equal(failed.code, 7);
    assert.equal(failed.stdout, 'out\n');
    assert.match(failed.stderr, /^err\n/);
    const input = 'a line\n'.repeat(20_000);
    const piped = await lab.run('./skiff', ['exec', '-i', 'target', '--', 'cat'], { input });
    assert.equal(piped.stdout.length, input.length);
    assert.equal(piped.stdout, input);
  });

  it('writes what happened to it as events', async () => {
    const events = await lab.get<{ items: Event[] }>(
      'events',
      '--field-selector=involvedObject.name=target',
    );
    const found = events.items.map(({ reason, message }) => `${reason}: ${message}`);
    assert.ok(
      found.some((text) =>
        /^Scheduled: Successfully assigned default\/target to node-\d$/.test(text),
      ),
    );
    for (const reason of ['Pulled', 'Created', 'Started']) {
      assert.ok(
        found.some((text) => text.startsWith(`${reason}: `)),
        `${reason} in ${found.join('; ')}`,
      );
    }
  });

  it('is not scheduled where it does not fit, in the words of kube-scheduler', async () => {
    const huge = { resources: { requests: { cpu: '100' } } };
    await apply(shellPod('huge', 'true', {}, huge));
    await eventually('FailedScheduling', async () => {
      const { status } = await lab.get<Pod>('pod', 'huge');
      const condition = status.conditions?.find(({ type }) => type === 'PodScheduled');
      assert.equal(condition?.reason, 'Unschedulable');
      assert.match(condition?.message ?? '', /^0\/2 nodes are available: 2 Insufficient cpu\./);
    });
  });

  it('leaves nothing on its node when it is deleted', async () => {
    await lab.kubectl('delete', 'pods', '--all', '--now', '--timeout=60s');
    await eventually('no sandbox, container or veth is left', async () => {
      for (const node of ['node-1', 'node-2']) {
        const links = await lab.run('ip', [
          '-n',
          `skiff-${lab.name}-${node}`,
          '-o',
          'link',
          'show',
          'type',
          'veth',
        ]);
        const names = links.stdout
          .trim()
          .split('\n')
          .filter((line) => !/: eth0@/.test(line) && line !== '');
        assert.deepEqual(names, []);
      }
    });
  });
});
