import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeKubeconfig } from '../../../apiserver/auth/pki.ts';
import { mustRun, runCommand } from '../../support/run-command.ts';
import { DEBIAN_KUBECTL } from '../../support/setup.ts';
import { startTestApiServer, type TestApiServer } from '../../support/test-api-server.ts';

/** Where newer ones may be, each beside its version. */
const NEWER = '/usr/lib/google-cloud-sdk/bin/kubectl';
const KUBECTLS = [
  ['1.20', DEBIAN_KUBECTL],
  ...['1.27', '1.30', '1.33'].map((version) => [version, `${NEWER}.${version}`]),
  ['the default one', NEWER],
] as const;

const MANIFEST = (replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: skiff/host}]}
`;

describe('kubectl', () => {
  let server: TestApiServer;
  let dir = '';
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'skt-server-kubectl-'));
    server = await startTestApiServer();
    await writeKubeconfig(path.join(dir, 'kubeconfig'), server.pki.ca, {
      user: 'admin',
      groups: ['system:masters'],
      server: `https://127.0.0.1:${server.port}`,
      contextName: 'test',
      nowMs: Date.now(),
    });
  });
  after(async () => {
    await server.stop();
    await rm(dir, { recursive: true });
  });

  for (const [version = '', file = ''] of KUBECTLS) {
    const skip = existsSync(file) ? false : `no kubectl ${version} on this machine`;
    it(`${version} creates, applies, changes, looks and deletes`, { skip }, async () => {
      const home = path.join(dir, version);
      const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: path.join(dir, 'kubeconfig') };
      const namespace = `k${version.replaceAll(/\W/g, '')}`;
      const manifest = path.join(dir, `${namespace}.yaml`);
      const run = (...args: string[]): Promise<string> =>
        mustRun(file, ['-n', namespace, ...args], { env });
      assert.match(await run('create', 'namespace', namespace), /created/);
      await run('create', 'serviceaccount', 'default');
      assert.match(await run('create', 'configmap', 'cm', '--from-literal=a=1'), /created/);
      assert.match(await run('create', 'secret', 'generic', 's', '--from-literal=a=1'), /created/);
      await writeFile(manifest, MANIFEST(2));
      assert.match(await run('apply', '-f', manifest), /deployment.apps\/web created/);
      assert.match(await run('apply', '-f', manifest), /unchanged/);
      await writeFile(manifest, MANIFEST(3));
      assert.match(await run('apply', '-f', manifest), /configured/);
      assert.match(await run('apply', '--server-side', '-f', manifest), /serverside-applied/);
      assert.match(
        await run('scale', 'deployment/web', '--current-replicas=3', '--replicas=4'),
        /scaled/,
      );
      assert.match(
        await run('get', 'deployment', 'web', '-o', 'wide'),
        /web +0\/4 .* skiff\/host +app=web/,
      );
      assert.match(await run('set', 'image', 'deployment/web', 'c=other'), /image updated/);
      assert.match(await run('label', 'configmap', 'cm', 'x=y'), /labeled/);
      const patch = '[{"op":"replace","path":"/data/a","value":"2"}]';
      assert.match(await run('patch', 'configmap', 'cm', '--type=json', '-p', patch), /patched/);
      assert.equal(
        await run('get', 'configmap', 'cm', '-o', 'jsonpath={.data.a}{.metadata.labels.x}'),
        '2y',
      );
      assert.match(await run('run', 'p', '--image=skiff/host'), /pod\/p created/);
      assert.match(
        await run('get', 'pods'),
        /NAME +READY +STATUS +RESTARTS +AGE\np +0\/1 +Pending/,
      );
      assert.match(await run('describe', 'deployment', 'web'), /Replicas: +4 desired/);
      assert.match(
        await run('delete', 'deployment,configmap,pod', '--all', '--timeout=10s'),
        /deleted/,
      );
      assert.equal(await run('get', 'deployments,pods', '-o', 'name'), '');
    });

    it(`${version} shows errors as they are`, { skip }, async () => {
      const env = { PATH: process.env.PATH, HOME: dir, KUBECONFIG: path.join(dir, 'kubeconfig') };
      const run = (args: string[], input = ''): Promise<{ stderr: string; code: number }> =>
        runCommand(file, args, { env, input });
      const missing = await run(['get', 'pod', 'nope']);
      assert.match(missing.stderr, /Error from server \(NotFound\): pods "nope" not found/);
      const wrong = await run(
        ['create', '--validate=false', '-f', '-'],
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"UPPER"}}',
      );
      assert.equal(wrong.code, 1);
      assert.match(
        wrong.stderr,
        /The ConfigMap "UPPER" is invalid: metadata.name: Invalid value: "UPPER"/,
      );
      const unknown = await run(
        ['create', '-f', '-'],
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"foo":1}',
      );
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /unknown field/);
    });
  }
});
