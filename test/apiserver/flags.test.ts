import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArgs } from 'node:util';
import { parseFlags } from '../../apiserver/flags.ts';

function problem(...args: string[]): string {
  const parsed = parseFlags(args, parseArgs);
  return parsed.kind === 'usage' ? parsed.problem : 'none';
}

describe('the flags of the API server', () => {
  it('have defaults', () => {
    assert.deepEqual(parseFlags(['--pki-dir', 'p', '--data-dir', 'd'], parseArgs), {
      kind: 'ok',
      options: {
        bindAddress: '127.0.0.1',
        securePort: 6443,
        pkiDir: 'p',
        tlsSans: [],
        storage: { kind: 'embedded', dir: 'd' },
        serviceCidr: '10.96.0.0/16',
        logLevel: 'info',
      },
    });
  });

  it('take lists', () => {
    const args = ['--pki-dir=p', '--store=etcd', '--etcd-endpoints=http://a:1,http://b:2'];
    const parsed = parseFlags([...args, '--tls-san=x,10.0.0.1'], parseArgs);
    assert.ok(parsed.kind === 'ok');
    assert.deepEqual(parsed.options.tlsSans, ['x', '10.0.0.1']);
    assert.deepEqual(parsed.options.storage, {
      kind: 'etcd',
      endpoints: ['http://a:1', 'http://b:2'],
    });
  });

  it('say what is wrong with them', () => {
    assert.match(problem('--data-dir', 'd'), /--pki-dir is needed/);
    assert.match(problem('--pki-dir', 'p'), /--data-dir is needed/);
    assert.match(problem('--pki-dir=p', '--store=other'), /--store must be/);
    assert.match(problem('--pki-dir=p', '--store=etcd'), /--etcd-endpoints/);
    assert.match(problem('--pki-dir=p', '--data-dir=d', '--secure-port=70000'), /no port/);
    assert.match(problem('--pki-dir=p', '--data-dir=d', '--bind-address=here'), /no IP address/);
    assert.match(problem('--pki-dir=p', '--data-dir=d', '--log-level=loud'), /--log-level/);
    assert.match(problem('--unknown'), /unknown/);
  });
});
