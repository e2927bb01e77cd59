/**
 * X.509 v3 certificates for a cluster: ECDSA P-256 keys, signed with SHA-256. Written here because a
 * certificate is a hundred lines of DER, and because `up` makes ten of them before anything can start:
 * one takes well under a millisecond.
 *
 * Source: RFC 5280; RFC 5480 (EC keys); RFC 5758 (ecdsa-with-SHA256).
 */

import { Buffer } from 'node:buffer';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { isoTime } from '../../base/clock.ts';
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts';

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Certificates begin this long before now, for machines whose clocks differ a little. */
const BACKDATE_MS = 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
const SERIAL_BYTES = 16;

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** A certificate and its private key, as PEM (PKCS #8). */
export interface CertifiedKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface CertificateRequest {
  readonly subject: Subject;
  readonly usage: 'ca' | 'server' | 'client';
  /** DNS names and IP addresses that a server certificate is for. */
  readonly names?: readonly string[];
  readonly days: number;
  readonly nowMs: number;
}

/** A new P-256 key pair. */
export function newKeyPair(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** Makes a key and a certificate for it, signed by the issuer, or by itself when there is none. */
export function issueCertificate(request: CertificateRequest, issuer?: CertifiedKey): CertifiedKey {
  const { publicKey, privateKey } = newKeyPair();
  const signer = issuer === undefined ? privateKey : createPrivateKey(issuer.keyPem);
  const signerPublic = issuer === undefined ? publicKey : createPublicKey(signer);
  const issuerName =
    issuer === undefined ? nameOf(request.subject) : nameOf(subjectOf(issuer.certificatePem));
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(newSerial()),
    algorithm,
    issuerName,
    sequence(
      time(isoTime(request.nowMs - BACKDATE_MS)),
      time(isoTime(request.nowMs + request.days * DAY_MS)),
    ),
    nameOf(request.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensionsOf(request, keyId(publicKey), keyId(signerPublic)))),
  );
  const signature = sign('sha256', body, signer);
  const certificate = sequence(body, algorithm, bitString(signature));
  return {
    certificatePem: pemOf('CERTIFICATE', certificate),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/**
 * Whether a pair can serve for the request: its halves belong together, the issuer signed it, it is
 * for all the names, and it is valid now and for `forMs` more.
 */
export function isUsable(
  pair: CertifiedKey,
  request: CertificateRequest,
  forMs: number,
  issuer?: CertifiedKey,
): boolean {
  const certificate = new X509Certificate(pair.certificatePem);
  const issuerPem = issuer?.certificatePem ?? pair.certificatePem;
  return (
    certificate.checkPrivateKey(createPrivateKey(pair.keyPem)) &&
    certificate.verify(new X509Certificate(issuerPem).publicKey) &&
    certificate.validFromDate.getTime() <= request.nowMs &&
    request.nowMs + forMs < certificate.validToDate.getTime() &&
    (request.names ?? []).every((name) =>
      isIP(name) === 0
        ? certificate.checkHost(name) !== undefined
        : certificate.checkIP(name) !== undefined,
    )
  );
}

function extensionsOf(
  request: CertificateRequest,
  subjectKeyId: Buffer,
  issuerKeyId: Buffer,
): readonly Buffer[] {
  const isCa = request.usage === 'ca';
  const extensions = [
    extension(OID.basicConstraints, sequence(...(isCa ? [boolean(true)] : [])), true),
    // Bits from the left: digitalSignature 0, keyEncipherment 2, keyCertSign 5, cRLSign 6.
    extension(
      OID.keyUsage,
      isCa ? bitString(Buffer.from([0b1010_0110]), 1) : bitString(Buffer.from([0b1010_0000]), 5),
      true,
    ),
    extension(OID.subjectKeyIdentifier, octetString(subjectKeyId)),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, issuerKeyId))),
  ];
  if (!isCa) {
    const purpose = request.usage === 'server' ? OID.serverAuth : OID.clientAuth;
    extensions.push(extension(OID.extendedKeyUsage, sequence(oid(purpose))));
  }
  if (request.names !== undefined && request.names.length > 0) {
    extensions.push(extension(OID.subjectAltName, sequence(...request.names.map(generalName))));
  }
  return extensions;
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

/** iPAddress [7] or dNSName [2]. Source: RFC 5280 §4.2.1.6. */
function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return implicit(2, Buffer.from(name, 'ascii'));
  return implicit(7, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser writes an IPv6 address in its one canonical form, without an IPv4 tail.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = '', right] = canonical.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const head = words(left);
  const tail = right === undefined ? [] : words(right);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Buffer.from([...head, ...zeros, ...tail].flatMap((word) => [word >> 8, word & 0xff]));
}

function nameOf(subject: Subject): Buffer {
  const attribute = (id: string, value: string): Buffer =>
    setOf(sequence(oid(id), utf8String(value)));
  return sequence(
    ...(subject.organizations ?? []).map((value) => attribute(OID.organization, value)),
    attribute(OID.commonName, subject.commonName),
  );
}

function subjectOf(certificatePem: string): Subject {
  const lines = new X509Certificate(certificatePem).subject.split('\n');
  const values = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return { commonName: values('CN')[0] ?? '', organizations: values('O') };
}

/** SHA-1 of the public key's bits, which are at the end of its DER. Source: RFC 5280 §4.2.1.2 (1). */
function keyId(publicKey: KeyObject): Buffer {
  const UNCOMPRESSED_POINT_BYTES = 65;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1').update(der.subarray(-UNCOMPRESSED_POINT_BYTES)).digest();
}

/** Positive and not zero, as RFC 5280 §4.1.2.2 asks. */
function newSerial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
