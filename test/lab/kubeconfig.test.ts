import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import {
  credentialsOf,
  invokingUser,
  kubeconfigPath,
  withLab,
  withoutLab,
} from '../../lab/kubeconfig.ts';

const CREDENTIALS = {
  server: 'https://10.200.0.1:6443',
  certificateAuthorityData: 'Q0E=',
  clientCertificateData: 'Q0VSVA==',
  clientKeyData: 'S0VZ',
};

const OTHER = `# My clusters.
apiVersion: v1
kind: Config
clusters:
  - name: work # do not touch
    cluster: { server: "https://work:6443" }
users:
  - name: me
    user:
      token: secret
contexts:
  - name: work
    context: { cluster: work, user: me }
current-context: work
`;

describe('withLab', () => {
  it('makes a kubeconfig of an empty file', () => {
    const config = parse(withLab('', 'a', CREDENTIALS));
    assert.equal(config['current-context'], 'skiff-a');
    assert.deepEqual(config.clusters, [
      {
        name: 'skiff-a',
        cluster: { server: CREDENTIALS.server, 'certificate-authority-data': 'Q0E=' },
      },
    ]);
    assert.deepEqual(config.contexts, [
      { name: 'skiff-a', context: { cluster: 'skiff-a', user: 'skiff-a' } },
    ]);
  });

  it('leaves the entries and comments of others as they are', () => {
    const text = withLab(OTHER, 'a', CREDENTIALS);
    assert.ok(text.startsWith('# My clusters.\n'));
    assert.ok(text.includes('- name: work # do not touch'));
    const config = parse(text);
    assert.deepEqual(config.users[0], { name: 'me', user: { token: 'secret' } });
    assert.equal(config.users.length, 2);
  });

  it('replaces its own entries', () => {
    const twice = withLab(withLab(OTHER, 'a', CREDENTIALS), 'a', {
      ...CREDENTIALS,
      server: 'https://10.201.0.1:6443',
    });
    const config = parse(twice);
    assert.equal(config.clusters.length, 2);
    assert.equal(config.clusters[1].cluster.server, 'https://10.201.0.1:6443');
  });

  it('refuses a file that is not a map, and keeps it out of the message', () => {
    assert.throws(() => withLab('- a\n- secret\n', 'a', CREDENTIALS), /not a YAML map/);
  });
});

describe('withoutLab', () => {
  it('is the inverse for everybody else', () => {
    const config = parse(withoutLab(withLab(OTHER, 'a', CREDENTIALS), 'a'));
    assert.deepEqual(config, { ...parse(OTHER), 'current-context': '' });
  });

  it('leaves the current context of another cluster', () => {
    const text = withLab(OTHER, 'a', CREDENTIALS).replace(
      /current-context: .*/,
      'current-context: work',
    );
    assert.equal(parse(withoutLab(text, 'a'))['current-context'], 'work');
  });

  it('does nothing when the lab is not in it', () => {
    assert.deepEqual(parse(withoutLab(OTHER, 'a')), parse(OTHER));
  });
});

describe('credentialsOf', () => {
  it('reads what withLab writes', () => {
    assert.deepEqual(credentialsOf(withLab('', 'a', CREDENTIALS)), CREDENTIALS);
  });
});

describe('kubeconfigPath', () => {
  it('is ~/.kube/config without $KUBECONFIG, and the first of its list when none exists', () => {
    assert.equal(kubeconfigPath(undefined, '/home/a'), '/home/a/.kube/config');
    assert.equal(kubeconfigPath('/nowhere/x:/nowhere/y', '/home/a'), '/nowhere/x');
  });
});

describe('invokingUser', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n';

  it('is the one who typed sudo', () => {
    const user = invokingUser({ SUDO_UID: '1000', SUDO_GID: '1000', HOME: '/root' }, passwd);
    assert.deepEqual(user, { uid: 1000, gid: 1000, home: '/home/ann' });
  });
});
