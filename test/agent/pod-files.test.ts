import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostnameOf } from '../../agent/cri/sandbox-config.ts';
import { defaultPolicy } from '../../agent/images/image-manager.ts';
import { parseResolvConf, podDns } from '../../agent/pod/pod-dns.ts';
import { payloadPathError } from '../../agent/volumes/atomic-writer.ts';
import { etcHosts } from '../../agent/volumes/etc-hosts.ts';
import { mountPointsBelow } from '../../agent/volumes/mounts.ts';
import { newPod } from './pod-builder.ts';

describe('etcHosts', () => {
  it('names the pod and its aliases', () => {
    const hostAliases = [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }];
    const text = etcHosts(newPod({ hostAliases }), ['10.0.0.5'], 'cluster.local');
    assert.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
    assert.match(text, /\n10\.0\.0\.5\tweb\n/);
    assert.match(text, /\n1\.2\.3\.4\ta\tb\n$/);
    const sub = etcHosts(newPod({ subdomain: 'db' }), ['10.0.0.5'], 'cluster.local');
    assert.match(sub, /\n10\.0\.0\.5\tweb\.db\.default\.svc\.cluster\.local\tweb\n/);
  });
});

describe('hostnameOf', () => {
  it('is the name, cut to what a host name may be', () => {
    assert.equal(hostnameOf(newPod()), 'web');
    assert.equal(hostnameOf(newPod({ hostname: 'other' })), 'other');
    const long = `${'a'.repeat(62)}-${'b'.repeat(9)}`;
    assert.equal(hostnameOf(newPod({}, { name: long })), 'a'.repeat(62));
  });
});

describe('podDns', () => {
  const host = parseResolvConf('# x\nnameserver 9.9.9.9\nsearch lan\noptions timeout:1 ndots:2\n');
  const base = { clusterDomain: 'cluster.local', host };

  it('reads resolv.conf', () => {
    const options = ['timeout:1', 'ndots:2'];
    assert.deepEqual(host, { servers: ['9.9.9.9'], searches: ['lan'], options });
  });

  it("is the host's without a cluster DNS", () => {
    assert.equal(podDns(newPod(), { ...base, clusterServers: [] }), undefined);
  });

  it('is the cluster’s with one', () => {
    const dns = podDns(newPod(), { ...base, clusterServers: ['10.96.0.10'] });
    assert.deepEqual(dns?.searches, [
      ...['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'lan'],
    ]);
    assert.deepEqual(dns?.options, ['ndots:5']);
    const onHost = newPod({ hostNetwork: true });
    assert.equal(podDns(onHost, { ...base, clusterServers: ['10.96.0.10'] }), undefined);
  });

  it('merges dnsConfig', () => {
    const dnsConfig = { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '1' }] };
    const merged = podDns(newPod({ dnsConfig }), { ...base, clusterServers: [] });
    assert.deepEqual(merged?.servers, ['9.9.9.9', '1.1.1.1']);
    assert.deepEqual(merged?.options, ['timeout:1', 'ndots:1']);
    const none = podDns(newPod({ dnsConfig, dnsPolicy: 'None' }), { ...base, clusterServers: [] });
    assert.deepEqual(none?.servers, ['1.1.1.1']);
  });
});

describe('payloadPathError', () => {
  it('refuses what leads out or hides', () => {
    for (const name of ['', '/a', '../a', 'a/../b', '..a', '..data/x', 'x'.repeat(256)]) {
      assert.notEqual(payloadPathError(name), undefined, name);
    }
    for (const name of ['a', 'a/b', '.a', 'a..b', 'a/..b']) {
      assert.equal(payloadPathError(name), undefined, name);
    }
  });
});

describe('mountPointsBelow', () => {
  it('decodes names and respects folder borders', () => {
    const text = [
      '22 1 0:20 / /a/b rw - tmpfs tmpfs rw',
      '23 1 0:20 / /a/bc rw - tmpfs tmpfs rw',
      '24 1 0:20 / /a/b/x\\040y rw - tmpfs tmpfs rw',
    ].join('\n');
    assert.deepEqual(mountPointsBelow(text, '/a/b'), ['/a/b', '/a/b/x y']);
  });
});

describe('defaultPolicy', () => {
  it('is by the tag', () => {
    assert.equal(defaultPolicy('nginx'), 'Always');
    assert.equal(defaultPolicy('host:5000/nginx'), 'Always');
    assert.equal(defaultPolicy('nginx:latest'), 'Always');
    assert.equal(defaultPolicy('host:5000/nginx:1'), 'IfNotPresent');
    assert.equal(defaultPolicy('nginx@sha256:0'), 'IfNotPresent');
  });
});
