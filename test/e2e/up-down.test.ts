import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Pod } from '../../proto/api/gen/core-v1.ts';
import { runCommand } from '../support/run-command.ts';
import { SKIFF, TestLab } from '../support/test-lab.ts';

const HELLO = 'manifests/hello.yaml';

describe('skiff up -f manifests/hello.yaml', () => {
  const lab = new TestLab();
  const other = new TestLab();
  let output = '';

  before(async () => {
    writeFileSync(
      lab.kubeconfig,
      'apiVersion: v1\nkind: Config\nclusters:\n- name: mine # keep\n  cluster: {server: "https://x:1"}\nusers: []\ncontexts: []\ncurrent-context: ""\n',
      { mode: 0o600 },
    );
    output = await lab.up('-f', HELLO);
  });

  after(async () => {
    try {
      await lab.down();
    } finally {
      await other.down();
    }
  });

  it('prints a line a step, the pods, and what to try next', () => {
    assert.match(output, /✓ Nodes Ready: node-1 node-2 node-3/);
    assert.match(output, /✓ deployment\.apps\/hello created/);
    assert.match(output, /✓ Deployment hello ready/);
    assert.match(output, /NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
    assert.match(output, /default +hello-\S+ +1\/1 +Running/);
    assert.match(output, /Next:/);
    assert.doesNotMatch(output, /✗/);
  });

  it('changes nothing the second time, and says so', async () => {
    const before = await lab.get<{ items: Pod[] }>('pods');
    const pid = lab.pidOf('apiserver');
    const again = await lab.up('-f', HELLO);
    assert.match(again, /deployment\.apps\/hello unchanged/);
    assert.match(again, /nothing was changed/);
    const after = await lab.get<{ items: Pod[] }>('pods');
    const versions = (list: { items: Pod[] }): string[] =>
      list.items.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`);
    assert.deepEqual(versions(after), versions(before));
    assert.equal(lab.pidOf('apiserver'), pid);
  });

  it('merges the kubeconfig: mode 0600, other entries untouched', async () => {
    assert.equal(statSync(lab.kubeconfig).mode & 0o777, 0o600);
    const text = readFileSync(lab.kubeconfig, 'utf8');
    assert.match(text, /name: mine # keep/);
    assert.ok(text.includes(`current-context: "skiff-${lab.name}"`));
    const printed = await lab.skiff('kubeconfig', '--name', lab.name);
    assert.match(printed, /client-key-data/);
  });

  it('shows nodes, components, pids and memory', async () => {
    const status = await lab.skiff('status', '--name', lab.name);
    assert.match(status, /node-3 +Ready/);
    assert.match(status, /apiserver +\d+ +running +0 +\d+ MiB/);
    assert.match(status, /node-1\/agent +\d+ +running/);
    assert.match(status, /Memory \(PSS\): \d+ MiB in all/);
  });

  it('serves the pods by IP to the host', async () => {
    const { items } = await lab.get<{ items: Pod[] }>('pods', '-l', 'app=hello');
    assert.equal(items.length, 3);
    for (const pod of items) {
      const answer = await fetch(`http://${pod.status.podIP}:8080/`);
      const expected = `Hello from ${pod.metadata.name} on ${pod.spec.nodeName}\n`;
      assert.equal(await answer.text(), expected);
    }
  });

  it('lets several labs live side by side', async () => {
    await other.up('--nodes', '1');
    assert.notEqual(other.spec.subnet, lab.spec.subnet);
    assert.match(await other.kubectl('get', 'nodes'), /node-1 +Ready/);
    assert.match(await lab.kubectl('get', 'nodes'), /node-3 +Ready/);
  });

  it('refuses to make a lab over, and names what to do', async () => {
    const result = await runCommand(SKIFF, ['up', '--name', lab.name, '--nodes', '5'], {
      env: lab.env,
    });
    assert.equal(result.code, 2);
    assert.match(result.stderr, /is up with --nodes 3: run "skiff down --name/);
  });

  it('takes the lab down, listing what it looked for, and removes its kubeconfig entries', async () => {
    const output = await lab.down('--keep-data');
    for (const what of [
      'processes',
      'mounts',
      'network namespaces',
      'veths',
      'bridges',
      'cgroups',
    ]) {
      assert.match(output, new RegExp(`✓ ${what}: none`));
    }
    const text = readFileSync(lab.kubeconfig, 'utf8');
    assert.match(text, /name: mine # keep/);
    assert.doesNotMatch(text, new RegExp(`skiff-${lab.name}`));
  });

  it('finds every object again after down --keep-data', async () => {
    await lab.up();
    assert.match(await lab.kubectl('get', 'deployment', 'hello'), /hello +\d\/3/);
    await lab.kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s');
  });
});

describe('skiff', () => {
  it('ends with one clear line for a wrong command line', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['up', '--nodes', '0'], /use a whole number from 1 to 239/],
      [['up', '--name', 'Not_Good'], /use at most 40 of a-z/],
      [['up', '-f', '/does/not/exist'], /the path "\/does\/not\/exist" does not exist/],
      [['down', '--name'], /argument missing/],
      [['up', '--etcd-endpoints', 'http://127.0.0.1:2379'], /loopback, which the lab's network/],
    ];
    for (const [args, expected] of cases) {
      const { code, stderr } = await runCommand(SKIFF, args);
      assert.notEqual(code, 0, args.join(' '));
      assert.match(stderr, expected);
    }
  });

  it('says that it needs root, and nothing else', async () => {
    const command = ['--reuid=65534', '--regid=65534', '--clear-groups', SKIFF, 'up'];
    const { code, stderr } = await runCommand('setpriv', command, {
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
    });
    assert.equal(code, 2);
    assert.match(stderr, /root is missing .*sudo/);
    assert.equal(stderr.trim().split('\n').length, 1);
  });

  it('tells by doctor what of the machine is there', async () => {
    const { code, stdout } = await runCommand(SKIFF, ['doctor']);
    assert.equal(code, 0);
    assert.match(stdout, /✓ cgroups +(v1|v2|hybrid): /);
    assert.match(stdout, /✓ kernel/);
  });
});
