/** Our own verbs do what their user knows from kubectl. */

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

const WEB = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'c',
            image: 'skiff/host',
            command: ['sh', '-c', 'echo one; echo two; sleep 1000'],
          },
        ],
      },
    },
  },
});

describe('skiff', () => {
  const lab = new TestLab();

  before(async () => {
    await lab.up('--nodes', '2');
  });
  after(() => lab.down());

  const refused = async (...args: readonly string[]): Promise<{ code: number; text: string }> => {
    const { code, stdout, stderr } = await lab.run(SKIFF, args);
    assert.notEqual(code, 0, stdout);
    return { code, text: stderr };
  };

  it('applies files, folders and standard input, and says what that did', async () => {
    const folder = path.join(lab.folder, 'manifests');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'web.json'), WEB);
    writeFileSync(
      path.join(folder, 'map.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: "1"}\n',
    );
    assert.equal(
      await lab.skiff('apply', '-f', folder),
      'configmap/map created\ndeployment.apps/web created\n',
    );
    assert.match(await lab.skiff('apply', '-f', folder), /^configmap\/map unchanged\n/);
    const changed = await lab.run(SKIFF, ['apply', '-f', '-'], {
      input: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {a: "2"}\n',
    });
    assert.equal(changed.stdout, 'configmap/map configured\n');
    assert.match(
      await lab.skiff('rollout', 'status', 'deployment/web', '--timeout=60s'),
      /deployment "web" successfully rolled out\n$/,
    );
  });

  it('gets objects as tables, whole, by name, label and path', async () => {
    assert.match(
      await lab.skiff('get', 'pods'),
      /^NAME +READY +STATUS +RESTARTS +AGE\nweb-\S+ +1\/1 /,
    );
    assert.match(await lab.skiff('get', 'po', '-o', 'wide', '-l', 'app=web'), / IP +NODE /);
    assert.match((await refused('get', 'deploy/web', '-A')).text, /by name across all namespaces/);
    assert.match(await lab.skiff('get', 'pods', '-A'), /^NAMESPACE +NAME/);
    assert.match(await lab.skiff('get', 'all'), /deployment\.apps\/web/);
    assert.match(
      await lab.skiff('get', 'cm', 'map', '-o', 'yaml'),
      /^apiVersion: v1\ndata:\n {2}a: "2"\nkind: ConfigMap\nmetadata:\n {2}creationTimestamp: "/,
    );
    assert.equal(JSON.parse(await lab.skiff('get', 'cm', 'map', '-o', 'json')).data.a, '2');
    assert.equal(await lab.skiff('get', 'cm', 'map', '-o', 'name'), 'configmap/map\n');
    assert.equal(await lab.skiff('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'), '2');
    assert.equal(JSON.parse(await lab.skiff('get', 'pods', '-o', 'json')).items.length, 2);
    const nothing = await lab.run(SKIFF, ['get', 'pods', '-n', 'kube-public']);
    assert.match(nothing.stderr, /^No resources found in kube-public namespace\.\n/);
    assert.match((await refused('get', 'pod', 'nope')).text, /\(NotFound\): pods "nope" not found/);
    assert.match(
      (await refused('get', 'foos')).text,
      /the server doesn't have a resource type "foos"/,
    );
  });

  it('watches', async () => {
    const watching = lab.run('timeout', [
      '--signal=INT',
      '3',
      SKIFF,
      'get',
      'cm',
      'watched',
      '-w',
      '-o',
      'name',
    ]);
    await lab.skiff('create', 'configmap', 'watched', '--from-literal=a=1');
    await lab.skiff('label', 'cm', 'watched', 'color=blue');
    const { stdout } = await watching;
    assert.equal(stdout, 'configmap/watched\nconfigmap/watched\n');
  });

  it('describes objects with their events', async () => {
    const text = await lab.skiff('describe', 'pods', '-l', 'app=web');
    assert.match(text, /^Name: +web-/);
    assert.match(text, /Successfully assigned default\/web-\S+ to node-\d/);
    assert.match(await lab.skiff('describe', 'node', 'node-1'), /Allocatable:/);
    assert.match(await lab.skiff('describe', 'deploy', 'web'), /Replicas: +2 desired/);
    const secret = await lab.skiff('create', 'secret', 'keys', '--from-literal=k=hidden');
    assert.equal(secret, 'secret/keys created\n');
    const described = await lab.skiff('describe', 'secret', 'keys');
    assert.match(described, /6 bytes/);
    assert.doesNotMatch(described, /hidden|aGlkZGVu/);
  });

  it('reads logs', async () => {
    assert.equal(await lab.skiff('logs', 'deploy/web'), 'one\ntwo\n');
    assert.equal(await lab.skiff('logs', 'deploy/web', '--tail', '1'), 'two\n');
    assert.match(
      await lab.skiff('logs', 'deploy/web', '--timestamps', '--tail=1'),
      /^\d{4}-\d\d-\d\dT\S+ two\n$/,
    );
    assert.equal(await lab.skiff('logs', '-l', 'app=web', '--tail=1'), 'two\ntwo\n');
  });

  it('runs commands and shells', async () => {
    const run = `${SKIFF} run -it --rm --restart=Never --image=skiff/host shell -- /bin/sh`;
    const keys =
      'sleep 2; echo "ps -e -o pid,comm"; echo hostname; echo "stty size"; echo "exit 7"; sleep 3';
    const command = `stty rows 33 cols 99; ${run}`;
    const shell = await lab.run('sh', ['-c', `(${keys}) | script -qec '${command}' /dev/null`]);
    assert.match(shell.stdout, / 1 sh\r\n +\d+ ps\r\n/);
    assert.match(shell.stdout, /\n(# )?shell\r\n/);
    assert.match(shell.stdout, /33 99\r\n/);
    assert.equal(shell.code, 7);
    await eventually('the pod is gone', async () => {
      const { code } = await lab.run(SKIFF, ['get', 'pod', 'shell']);
      return code === 1;
    });
    assert.equal((await refused('exec', 'deploy/web', '--', 'sh', '-c', 'exit 3')).code, 3);
    assert.equal(await lab.skiff('exec', 'deploy/web', '--', 'echo', '-n', 'x'), 'x');
  });

  it('scales, waits, labels, and restarts a rollout', async () => {
    assert.equal(
      await lab.skiff('scale', 'deploy/web', '--replicas=3'),
      'deployment.apps/web scaled\n',
    );
    const waited = await lab.skiff(
      'wait',
      'deploy/web',
      '--for=jsonpath={.status.readyReplicas}=3',
    );
    assert.equal(waited, 'deployment.apps/web condition met\n');
    assert.equal(
      await lab.skiff('annotate', 'deploy', 'web', 'note=x'),
      'deployment.apps/web annotated\n',
    );
    assert.match(
      (await refused('label', 'deploy', 'web', 'app=other')).text,
      /--overwrite is false/,
    );
    assert.equal(
      await lab.skiff('rollout', 'restart', 'deploy/web'),
      'deployment.apps/web restarted\n',
    );
    await lab.skiff('rollout', 'status', 'deploy/web', '--timeout=60s');
    assert.match(
      (await refused('wait', 'deploy/web', '--for=condition=Nope', '--timeout=100ms')).text,
      /timed out waiting for the condition/,
    );
  });

  it('takes a node out of service and back', async () => {
    assert.equal(await lab.skiff('cordon', 'node-2'), 'node/node-2 cordoned\n');
    assert.equal(await lab.skiff('cordon', 'node-2'), 'node/node-2 already cordoned\n');
    assert.match(await lab.skiff('drain', 'node-2', '--timeout=60s'), /node\/node-2 drained\n$/);
    const left = await lab.skiff(
      'get',
      'pods',
      '--field-selector',
      'spec.nodeName=node-2',
      '-o',
      'name',
    );
    assert.equal(left, '');
    assert.equal(await lab.skiff('uncordon', 'node-2'), 'node/node-2 uncordoned\n');
  });

  it('creates from flags, lists what there is, and deletes', async () => {
    assert.equal(await lab.skiff('create', 'namespace', 'other'), 'namespace/other created\n');
    assert.equal(
      await lab.skiff('create', 'deployment', 'made', '--image=skiff/host', '-n', 'other'),
      'deployment.apps/made created\n',
    );
    assert.match((await refused('create', 'namespace', 'other')).text, /\(AlreadyExists\)/);
    assert.match(
      await lab.skiff('api-resources'),
      /deployments +deploy +apps\/v1 +true +Deployment/,
    );
    assert.match(await lab.skiff('version'), /^Server Version: v1\.36/);
    assert.equal(await lab.skiff('delete', 'cm', 'map'), 'configmap "map" deleted\n');
    assert.equal(await lab.skiff('delete', 'deploy/web'), 'deployment.apps "web" deleted\n');
    assert.match((await refused('delete', 'pods')).text, /no name was specified/);
    assert.equal(await lab.skiff('delete', 'ns', 'other'), 'namespace "other" deleted\n');
    assert.match((await refused('get', 'ns', 'other')).text, /not found/);
  });

  it('does what can be done, and says what can not', async () => {
    await lab.skiff('create', 'cm', 'here', '--from-literal=a=1');
    const got = await lab.run(SKIFF, ['get', 'cm', 'nope', 'here', '-o', 'name']);
    assert.deepEqual(got, {
      code: 1,
      stdout: 'configmap/here\n',
      stderr: 'Error from server (NotFound): configmaps "nope" not found\n',
    });
    assert.equal(await lab.skiff('label', 'cm', 'here', 'a=b'), 'configmap/here labeled\n');
    assert.equal(await lab.skiff('label', 'cm', 'here', 'a=b'), 'configmap/here not labeled\n');
    assert.match(await lab.skiff('get', 'cm', 'here', '-L', 'a'), / A\nhere .* b\n$/);
    assert.equal(await lab.skiff('label', 'cm', 'here', 'a-'), 'configmap/here unlabeled\n');
    const deleted = await lab.run(SKIFF, ['delete', 'cm', 'nope', 'here']);
    assert.equal(deleted.code, 1);
    assert.equal(deleted.stdout, 'configmap "here" deleted\n');
    const waited = await refused('wait', 'pod/nope', '--for=condition=Ready');
    assert.match(waited.text, /pods "nope" not found/);
  });

  it('takes the options of exec after the pod, and those of the command after --', async () => {
    await lab.skiff('run', 'target', '--image=skiff/host', '--', 'sleep', '1000');
    await lab.skiff('wait', 'pod/target', '--for=condition=Ready');
    const echoed = await lab.skiff('exec', 'target', '-c', 'target', '--', 'echo', '--', '-c', 'x');
    assert.equal(echoed, '-- -c x\n');
    const wrong = await refused('exec', 'target', '-c', 'nope', '--', 'true');
    assert.match(wrong.text, /container nope is not valid for pod target/);
    const forced = await lab.run(SKIFF, ['delete', 'pod', 'target', '--grace-period=0', '--force']);
    assert.equal(forced.stdout, 'pod "target" force deleted\n');
    assert.match(forced.stderr, /^Warning: Immediate deletion does not wait/);
  });

  for (const [signal, code] of [
    ['INT', 130],
    ['TERM', 143],
  ] as const) {
    it(`removes the pod of run --rm also when SIG${signal} ends it`, async () => {
      const name = `run-${signal.toLowerCase()}`;
      const args = ['run', '-i', '--rm', '--restart=Never', '--image=skiff/host', name];
      const command = ['--foreground', '--preserve-status', `--signal=${signal}`, '3', SKIFF];
      const { code: ended, stdout } = await lab.run('timeout', [
        ...command,
        ...args,
        '--',
        'sh',
        '-c',
        'trap "exit 0" TERM; while :; do sleep 0.1; done',
      ]);
      assert.equal(ended, code);
      assert.equal(stdout, `pod "${name}" deleted\n`);
      await eventually('the pod is gone', async () => {
        const { code: found } = await lab.run(SKIFF, ['get', 'pod', name]);
        return found === 1;
      });
    });
  }

  it('shows its help, the commands on labs too, when it is asked for nothing', async () => {
    const { code, stdout } = await lab.run(SKIFF, []);
    assert.equal(code, 0);
    assert.match(stdout, /\n {2}get \[options\] <type\.\.\.>/);
    assert.match(stdout, /\n {2}up, down, status, doctor, kubeconfig, image/);
  });

  it('reads the file of a list in KUBECONFIG that up has written to', async () => {
    const list = `${lab.folder}/none:${lab.kubeconfig}`;
    const env = { ...lab.env, KUBECONFIG: list };
    const { code, stdout } = await lab.run(SKIFF, ['get', 'ns', 'default', '-o', 'name'], { env });
    assert.deepEqual([code, stdout], [0, 'namespace/default\n']);
  });

  it('says of a lab that it is not up, and leaves it at that', async () => {
    const args = ['down', '--name', `${lab.name}-other`];
    const { code, stdout } = await lab.run(SKIFF, args);
    assert.equal(code, 0);
    assert.match(stdout, /^Lab "\S+-other" is not up; /);
  });

  it('says what is wrong with a command line', async () => {
    assert.match((await refused('gte', 'pods')).text, /unknown command 'gte'[\s\S]*get/);
    assert.match((await refused('get', 'pods', '-o', 'xml')).text, /output format "xml"/);
    assert.match((await refused('apply')).text, /required option '-f/);
  });
});
