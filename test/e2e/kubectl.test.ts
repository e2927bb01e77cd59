/** Unmodified kubectl, every version that the machine has, does what its user expects. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Deployment } from '../../proto/api/gen/apps-v1.ts';
import { eventually } from '../support/eventually.ts';
import { mustRun } from '../support/run-command.ts';
import { kubectls, TestLab } from '../support/test-lab.ts';

function deployment(name: string, replicas: number, color: string): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'c',
              image: 'skiff/host',
              command: ['sh', '-c', 'echo $COLOR; exec sleep 1000'],
              env: [{ name: 'COLOR', value: color }],
            },
          ],
        },
      },
    },
  });
}

describe('kubectl', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '2');
  });
  after(() => lab.down());

  for (const { version, file } of kubectls()) {
    const name = `v${version.replace('.', '-')}`;
    const space = `ns-${name}`;
    const kubectl = (...args: readonly string[]): Promise<string> =>
      mustRun(file, ['-n', space, ...args], { env: lab.env });
    const apply = async (manifest: string): Promise<string> => {
      const result = await lab.run(file, ['-n', space, 'apply', '-f', '-'], { input: manifest });
      assert.equal(result.code, 0, result.stderr);
      return result.stdout;
    };

    describe(version, () => {
      before(() => mustRun(file, ['create', 'namespace', space], { env: lab.env }));

      it('applies, diffs, applies again, and rolls out', async () => {
        assert.match(await apply(deployment(name, 2, 'red')), /deployment\.apps\/\S+ created/);
        await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
        assert.match(await apply(deployment(name, 2, 'red')), /unchanged/);
        const diff = await lab.run(file, ['-n', space, 'diff', '-f', '-'], {
          input: deployment(name, 2, 'blue'),
        });
        assert.equal(diff.code, 1, diff.stderr);
        assert.match(diff.stdout, /^\+ +value: blue$/m);
        assert.match(await apply(deployment(name, 2, 'blue')), /configured/);
        await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
        await kubectl('rollout', 'undo', `deployment/${name}`);
        await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
        const { spec } = JSON.parse(
          await kubectl('get', 'deploy', name, '-o', 'json'),
        ) as Deployment;
        assert.equal(spec.template.spec?.containers[0]?.env?.[0]?.value, 'red');
        assert.match(await kubectl('rollout', 'history', `deployment/${name}`), /^3 /m);
      });

      it('shows objects as tables, by label, and as text for people', async () => {
        assert.match(
          await kubectl('get', 'pods'),
          /^NAME +READY +STATUS +RESTARTS +AGE\n\S+ +1\/1 +Running/,
        );
        assert.match(await kubectl('get', 'pods', '-o', 'wide'), /IP +NODE/);
        assert.match(await kubectl('get', 'deploy', '-l', 'app=nothing', '-o', 'name'), /^$/);
        assert.match(await kubectl('get', 'all'), /deployment\.apps\//);
        const described = await kubectl('describe', 'pods', '-l', `app=${name}`);
        assert.match(described, /Successfully assigned/);
        assert.match(await kubectl('describe', 'node', 'node-1'), /Non-terminated Pods/);
        assert.match(
          await kubectl('api-resources'),
          /deployments +deploy +apps\/v1 +true +Deployment/,
        );
        const path = '{.items[*].status.phase}';
        assert.equal(await kubectl('get', 'pods', '-o', `jsonpath=${path}`), 'Running Running');
      });

      it('explains kinds', async () => {
        assert.match(await kubectl('explain', 'pod.spec.containers'), /image/);
      });

      it('scales, labels, patches, and waits', async () => {
        await kubectl('scale', `deployment/${name}`, '--replicas=3');
        await eventually('three pods', async () => {
          const ready = await kubectl(
            'get',
            'deploy',
            name,
            '-o',
            'jsonpath={.status.readyReplicas}',
          );
          return ready === '3';
        });
        await kubectl('label', `deployment/${name}`, 'tier=front');
        await kubectl('annotate', `deployment/${name}`, 'note=hello');
        await kubectl('patch', 'deployment', name, '--type=merge', '-p', '{"spec":{"replicas":1}}');
        await kubectl(
          'patch',
          'deployment',
          name,
          '--type=json',
          '-p',
          '[{"op":"replace","path":"/spec/replicas","value":2}]',
        );
        await kubectl('wait', `deployment/${name}`, '--for=condition=Available', '--timeout=30s');
        assert.match(await kubectl('get', 'deploy', name, '--show-labels'), /tier=front/);
      });

      it('creates from flags, in whatever encoding it sends', async () => {
        await kubectl('create', 'configmap', 'settings', '--from-literal=a=1');
        await kubectl('create', 'secret', 'generic', 'keys', '--from-literal=a=1');
        await kubectl('create', 'serviceaccount', 'robot');
        // It ends at SIGTERM, which a PID 1 without a handler does not: the drain below waits for it.
        const ends = ['perl', '-e', '$SIG{TERM} = sub { exit }; sleep 1000'];
        await kubectl('create', 'deployment', 'made', '--image=skiff/host', '--', ...ends);
        await kubectl('rollout', 'status', 'deployment/made', '--timeout=60s');
        assert.equal(await kubectl('get', 'cm', 'settings', '-o', 'jsonpath={.data.a}'), '1');
        assert.equal(await kubectl('get', 'secret', 'keys', '-o', 'jsonpath={.data.a}'), 'MQ==');
      });

      it('reads logs', async () => {
        const logs = await kubectl('logs', `deployment/${name}`);
        assert.equal(logs, 'red\n');
      });

      it('applies on the server side, and tells conflicts', async () => {
        const manifest = JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'shared' },
          data: { a: '1' },
        });
        const flags = ['-n', space, 'apply', '--server-side', '-f', '-', '--field-manager'];
        const first = await lab.run(file, [...flags, 'one'], { input: manifest });
        assert.equal(first.code, 0, first.stderr);
        const second = await lab.run(file, [...flags, 'two'], {
          input: manifest.replace('"1"', '"2"'),
        });
        assert.notEqual(second.code, 0);
        assert.match(second.stderr, /conflict with "one"/);
      });

      it('refuses unknown fields', async () => {
        const manifest = deployment('strict', 1, 'x').replace('"replicas"', '"replica"');
        const result = await lab.run(file, ['-n', space, 'apply', '-f', '-'], { input: manifest });
        assert.notEqual(result.code, 0);
        assert.match(result.stderr, /unknown field "(spec\.)?replica"/);
      });

      it('runs a pod, in which only the pod is seen, and removes it', async () => {
        const run = `${file} -n ${space} run -it --rm --image=skiff/host sh -- /bin/sh`;
        const script = 'sleep 2; echo "ps -e -o pid,comm"; echo hostname; echo "exit 0"; sleep 3';
        const { stdout } = await lab.run('sh', [
          '-c',
          `(${script}) | script -qec '${run}' /dev/null`,
        ]);
        assert.match(stdout, / 1 sh\r\n +\d+ ps\r\n/);
        assert.match(stdout, /\n(# )?sh\r\n/);
        const exec = await lab.run(file, [
          '-n',
          space,
          'exec',
          `deploy/${name}`,
          '--',
          'sh',
          '-c',
          'exit 5',
        ]);
        assert.equal(exec.code, 5);
      });

      it('cordons, drains and uncordons a node', async () => {
        await kubectl('cordon', 'node-2');
        assert.match(await kubectl('get', 'node', 'node-2'), /SchedulingDisabled/);
        await kubectl('drain', 'node-2', '--force', '--ignore-daemonsets', '--timeout=60s');
        await kubectl('uncordon', 'node-2');
        await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s');
      });

      it('deletes a namespace with all that is in it', async () => {
        await mustRun(file, ['delete', 'namespace', space, '--timeout=60s'], { env: lab.env });
        const left = await mustRun(file, ['get', 'pods', '-n', space, '-o', 'name'], {
          env: lab.env,
        });
        assert.equal(left, '');
      });
    });
  }
});
