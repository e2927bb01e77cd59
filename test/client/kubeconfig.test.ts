import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseKubeconfig } from '../../client/kubeconfig.ts';

const YAML = `
apiVersion: v1
kind: Config
current-context: a
clusters:
- name: one
  cluster: { server: "https://10.0.0.1:6443/", certificate-authority-data: Q0E= }
- name: two
  cluster: { server: "https://h:1", certificate-authority: pki/ca.crt, tls-server-name: k }
contexts:
- { name: a, context: { cluster: one, user: cert } }
- { name: b, context: { cluster: two, user: token, namespace: apps } }
- { name: c, context: { cluster: one, user: plugin } }
- { name: d, context: { cluster: missing, user: cert } }
users:
- { name: cert, user: { client-certificate-data: Q1JU, client-key: k.pem } }
- { name: token, user: { tokenFile: t } }
- { name: plugin, user: { exec: { command: x } } }
`;

const read = async (file: string): Promise<Buffer> => Buffer.from(`<${file}>\n`);
const parse = (text: string, context?: string) => parseKubeconfig(text, '/etc/k', read, context);

describe('kubeconfig', () => {
  it('reads the current context, embedded data and files relative to it', async () => {
    assert.deepEqual(await parse(YAML), {
      server: 'https://10.0.0.1:6443',
      ca: Buffer.from('CA'),
      cert: Buffer.from('CRT'),
      key: Buffer.from('</etc/k/k.pem>\n'),
      namespace: 'default',
    });
  });

  it('reads another context, with a token of a file', async () => {
    assert.deepEqual(await parse(YAML, 'b'), {
      server: 'https://h:1',
      ca: Buffer.from('</etc/k/pki/ca.crt>\n'),
      token: '</etc/k/t>',
      tlsServerName: 'k',
      namespace: 'apps',
    });
  });

  it('reads JSON', async () => {
    const config = {
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: 'http://h' } }],
    };
    const expected = { server: 'http://h', namespace: 'default' };
    assert.deepEqual(await parse(JSON.stringify(config)), expected);
  });

  it('says what is missing or not supported', async () => {
    await assert.rejects(parse(YAML, 'z'), /it has no context "z"/);
    await assert.rejects(parse(YAML, 'c'), /"exec" is not supported/);
    await assert.rejects(parse(YAML, 'd'), /it has no cluster "missing"/);
    await assert.rejects(parse('{}'), /no current context/);
  });
});
