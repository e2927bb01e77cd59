/**
 * Unmodified kubectl, of every version found on the machine, against a server in the test's process:
 * what needs no controller and no node.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeKubeconfig } from '../../../apiserver/auth/pki.ts';
import { type CommandResult, runCommand } from '../../support/run-command.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';
import { kubectls } from '../../support/test-lab.ts';

/** The oldest and the newest do everything; those between apply and delete. */
const found = kubectls();
const thorough = [found.at(0), found.at(-1)];

function manifest(replicas: number, value: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "web:1", env: [{name: A, value: ${value}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: ${value}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
}

describe('kubectl', () => {
  let server: TestApiServer;
  let folder = '';
  before(async () => {
    server = await startTestApiServer();
    folder = await mkdtemp(path.join(os.tmpdir(), 'skt-kubectl-'));
    await writeKubeconfig(path.join(folder, 'config'), server.pki.ca, {
      server: `https://127.0.0.1:${server.port}`,
      contextName: 'test',
      user: 'kubernetes-admin',
      groups: ['system:masters'],
      nowMs: Date.now(),
    });
    await writeFile(path.join(folder, 'one.yaml'), manifest(2, 'b'));
    await writeFile(path.join(folder, 'two.yaml'), manifest(3, 'd'));
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('is there', () => assert.ok(found.length > 0));

  for (const kubectl of found) {
    describe(`of version ${kubectl.version}`, () => {
      let namespace = '';
      const run = (...args: string[]): Promise<CommandResult> =>
        runCommand(kubectl.file, ['-n', namespace, ...args], {
          cwd: folder,
          env: { ...process.env, KUBECONFIG: path.join(folder, 'config'), HOME: folder },
        });
      /** What it prints when all goes well, without what it says of versions and of our limits. */
      const ok = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await run(...args);
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
        return stdout.trim();
      };
      const fails = async (...args: string[]): Promise<string> => {
        const { code, stderr } = await run(...args);
        assert.notEqual(code, 0);
        return stderr.trim();
      };

      before(async () => {
        namespace = `v${kubectl.version.replace('.', '-')}`;
        await ok('create', 'namespace', namespace);
        await ok('create', 'serviceaccount', 'default');
      });

      it('applies, again, and what has changed', async () => {
        const names = ['deployment.apps/web', 'configmap/conf', 'service/web'];
        const each = (word: string) => names.map((name) => `${name} ${word}`).join('\n');
        assert.equal(await ok('apply', '-f', 'one.yaml'), each('created'));
        assert.equal(await ok('apply', '-f', 'one.yaml'), each('unchanged'));
        const diff = await run('diff', '-f', 'two.yaml');
        assert.equal(diff.code, 1, diff.stderr);
        assert.match(diff.stdout, /\+ {2}replicas: 3/);
        assert.equal(
          await ok('apply', '-f', 'two.yaml'),
          `${names[0]} configured\n${names[1]} configured\n${names[2]} unchanged`,
        );
        assert.equal((await run('diff', '-f', 'two.yaml')).code, 0);
        assert.equal(await ok('replace', '-f', 'one.yaml'), each('replaced'));
        assert.equal(
          await ok('apply', '--server-side', '--force-conflicts', '-f', 'two.yaml'),
          each('serverside-applied'),
        );
      });

      if (!thorough.includes(kubectl)) {
        it('deletes what it applied', async () => {
          await ok('delete', '-f', 'one.yaml');
        });
        return;
      }

      it('shows tables, labels and fields', async () => {
        const table = await ok('get', 'deployments', '-o', 'wide');
        assert.match(
          table,
          /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +0\/3 +0 +0 +\S+ +c +web:1 +app=web$/,
        );
        assert.equal(
          await ok(
            'get',
            'deploy',
            'web',
            '-o',
            'jsonpath={.spec.strategy.rollingUpdate.maxSurge}',
          ),
          '25%',
        );
        assert.equal(await ok('get', 'cm', '-l', 'nope=1', '-o', 'name'), '');
        assert.match(await ok('get', 'all'), /service\/web +ClusterIP +10\.96\./);
        assert.match(await ok('describe', 'deployment', 'web'), /StrategyType: +RollingUpdate/);
      });

      it('changes objects in each of its ways', async () => {
        await ok('label', 'cm', 'conf', 'x=y');
        await ok('annotate', 'cm', 'conf', 'x=y');
        await ok(
          'patch',
          'cm',
          'conf',
          '--type=json',
          '-p',
          '[{"op":"add","path":"/data/z","value":"1"}]',
        );
        await ok('patch', 'cm', 'conf', '--type=merge', '-p', '{"data":{"z":"2"}}');
        assert.equal(await ok('get', 'cm', 'conf', '-o', 'jsonpath={.data.z}'), '2');
        await ok('scale', 'deploy', 'web', '--current-replicas=3', '--replicas=4');
        await ok('scale', 'deploy', 'web', '--replicas=5');
        await ok('set', 'image', 'deploy/web', 'c=web:2');
        await ok('rollout', 'restart', 'deploy', 'web');
        assert.equal(
          await ok(
            'get',
            'deploy',
            'web',
            '-o',
            'jsonpath={.spec.replicas} {.metadata.generation}',
          ),
          '5 8',
        );
      });

      it('creates with its own verbs', async () => {
        await ok('create', 'configmap', 'made', '--from-literal=a=b');
        await ok('create', 'secret', 'generic', 'made', '--from-literal=a=b');
        await ok('create', 'deployment', 'made', '--image=web');
        await ok('run', 'made', '--image=web', '--restart=Never');
        await ok('expose', 'deployment', 'made', '--port=80');
        assert.match(await ok('get', 'pod', 'made'), /made +0\/1 +Pending +0/);
        assert.match(await ok('get', 'secrets', 'made'), /made +Opaque +1/);
        assert.equal(await ok('auth', 'can-i', 'create', 'pods'), 'yes');
      });

      it('says what is wrong in the words it always has', async () => {
        assert.equal(
          await fails('get', 'pod', 'nope'),
          'Error from server (NotFound): pods "nope" not found',
        );
        assert.match(
          await fails('create', 'deployment', 'made', '--image=web'),
          /deployments\.apps "made" already exists/,
        );
        assert.match(
          await fails('run', 'Bad_Name', '--image=web'),
          /The Pod "Bad_Name" is invalid: ?\n?.*metadata\.name: Invalid value: "Bad_Name"/,
        );
        assert.match(
          await fails('delete', 'namespace', 'kube-system'),
          /namespaces "kube-system" is forbidden: this namespace may not be deleted/,
        );
        assert.match(
          await fails('get', 'statefulsets'),
          /doesn't have a resource type "statefulsets"/,
        );
        assert.match(
          await fails('-n', 'nope', 'run', 'x', '--image=web'),
          /namespaces "nope" not found/,
        );
      });

      it('explains fields', async () => {
        assert.match(await ok('explain', 'deployment.spec.replicas'), /replicas\s+<integer>/);
      });

      it('deletes and waits until all is gone', async () => {
        await ok('delete', '-f', 'one.yaml');
        await ok('delete', 'pod,deployment,service,configmap,secret', '--all');
        assert.equal(await ok('get', 'all,cm,secrets', '-o', 'name'), '');
      });
    });
  }
});
