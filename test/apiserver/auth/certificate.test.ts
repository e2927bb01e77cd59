import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type CertificateRequest,
  issueCertificate,
  isUsable,
} from '../../../apiserver/auth/certificate.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const CA: CertificateRequest = {
  subject: { commonName: 'test-ca' },
  usage: 'ca',
  days: 3650,
  nowMs: NOW_MS,
};
const SERVING: CertificateRequest = {
  subject: { commonName: 'system:node:worker', organizations: ['system:nodes', 'second'] },
  usage: 'server',
  names: ['worker', 'worker.example', '10.1.2.3', '::1', 'fd00:1::a:2'],
  days: 365,
  nowMs: NOW_MS,
};

describe('issueCertificate', () => {
  const ca = issueCertificate(CA);
  const leaf = issueCertificate(SERVING, ca);
  const parsed = new X509Certificate(leaf.certificatePem);

  it('makes a self-signed authority', () => {
    const authority = new X509Certificate(ca.certificatePem);
    assert.equal(authority.ca, true);
    assert.ok(authority.verify(authority.publicKey));
    assert.ok(authority.checkIssued(authority));
  });

  it('is signed by its issuer, for its key', () => {
    const authority = new X509Certificate(ca.certificatePem);
    assert.ok(parsed.verify(authority.publicKey));
    assert.ok(parsed.checkIssued(authority));
    assert.ok(parsed.checkPrivateKey(createPrivateKey(leaf.keyPem)));
    assert.equal(parsed.ca, false);
  });

  it('carries every organization, and the common name', () => {
    assert.deepEqual(parsed.subject.split('\n').sort(), [
      'CN=system:node:worker',
      'O=second',
      'O=system:nodes',
    ]);
  });

  it('is for all its names and no others', () => {
    assert.equal(
      parsed.subjectAltName,
      'DNS:worker, DNS:worker.example, IP Address:10.1.2.3, IP Address:0:0:0:0:0:0:0:1, IP Address:FD00:1:0:0:0:0:A:2',
    );
    assert.equal(parsed.checkHost('other'), undefined);
  });

  it('is valid from an hour ago for its days', () => {
    assert.equal(Date.parse(parsed.validFrom), NOW_MS - 60 * 60 * 1000);
    assert.equal(Date.parse(parsed.validTo), NOW_MS + 365 * DAY_MS);
  });

  it('writes years after 2049 as GeneralizedTime', () => {
    const late = issueCertificate({ ...CA, days: 36500 });
    assert.equal(
      Date.parse(new X509Certificate(late.certificatePem).validTo),
      NOW_MS + 36500 * DAY_MS,
    );
  });
});

describe('isUsable', () => {
  const ca = issueCertificate(CA);
  const leaf = issueCertificate(SERVING, ca);

  it('accepts what was issued for the same request', () => {
    assert.equal(isUsable(leaf, SERVING, 30 * DAY_MS, ca), true);
  });

  it('refuses another authority, another key, more names, and the end of its time', () => {
    const other = issueCertificate(CA);
    assert.equal(isUsable(leaf, SERVING, 0, other), false);
    assert.equal(isUsable({ ...leaf, keyPem: other.keyPem }, SERVING, 0, ca), false);
    assert.equal(isUsable(leaf, { ...SERVING, names: ['elsewhere'] }, 0, ca), false);
    assert.equal(isUsable(leaf, { ...SERVING, names: ['10.9.9.9'] }, 0, ca), false);
    assert.equal(
      isUsable(leaf, { ...SERVING, nowMs: NOW_MS + 340 * DAY_MS }, 30 * DAY_MS, ca),
      false,
    );
  });
});
