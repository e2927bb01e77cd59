import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeProtobuf, isProtobufEnvelope } from '../../../proto/api/protobuf.ts';
import { ApiError } from '../../../proto/api/status-error.ts';

/** Encodes a varint; negative numbers take ten bytes. */
function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

type Value = number | bigint | boolean | string | Buffer;

/** Encodes a message of fields: numbers become varints, texts and buffers length-delimited. */
function message(...fields: readonly (readonly [number, Value])[]): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'string' || Buffer.isBuffer(value)) {
      const bytes = Buffer.from(value);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }
    return Buffer.concat([varint(number * 8), varint(BigInt(value))]);
  });
  return Buffer.concat(parts);
}

function envelope(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const typeMeta = message([1, apiVersion], [2, kind]);
  return Buffer.concat([Buffer.from('k8s\0'), message([1, typeMeta], [2, raw], [3, ''], [4, ''])]);
}

/** ObjectMeta as Go writes it: every non-pointer, zero or not. */
function metadata(name: string, ...more: readonly (readonly [number, Value])[]): Buffer {
  const zeros = [2, 3, 4, 5, 6].map((number) => [number, ''] as const);
  return message([1, name], ...zeros, [7, 0], [8, message()], ...more);
}

describe('decodeProtobuf', () => {
  it('decodes a ConfigMap with maps of text and of bytes', () => {
    const raw = message(
      [1, metadata('a', [11, message([1, 'app'], [2, 'web'])])],
      [2, message([1, 'key'], [2, 'value'])],
      [2, message([1, 'empty'], [2, ''])],
      [2, message([1, 'absent'])],
      [3, message([1, 'raw'], [2, Buffer.from([0, 255])])],
      [4, false],
    );
    assert.deepEqual(decodeProtobuf(envelope('v1', 'ConfigMap', raw)).object, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', labels: { app: 'web' } },
      data: { key: 'value', empty: '', absent: '' },
      binaryData: { raw: 'AP8=' },
      immutable: false,
    });
  });

  it('keeps the zeros of pointers, and drops the others', () => {
    const container = message([1, 'c'], [2, ''], [5, ''], [18, false]);
    const template = message([1, metadata('')], [2, message([2, container], [11, false])]);
    const spec = message([1, 0], [3, template], [4, message([1, ''])], [5, 0]);
    const raw = message([1, metadata('d')], [2, spec], [3, message([1, 0])]);
    assert.deepEqual(decodeProtobuf(envelope('apps/v1', 'Deployment', raw)).object, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        replicas: 0,
        template: { metadata: {}, spec: { containers: [{ name: 'c', resources: {} }] } },
        strategy: {},
      },
      status: {},
    });
  });

  it('flattens what Go inlines, and gives scalars their JSON form', () => {
    const source = message([7, message([1, 'f'])], [19, message([1, message([1, 'cm'])])]);
    const volume = message([1, 'v'], [2, source]);
    const httpGet = message([1, '/'], [2, message([1, 1], [2, 0], [3, 'web'])]);
    const probe = message([1, message([2, httpGet])], [4, -7], [7, 30]);
    const quantity = message([1, '1.5']);
    const resources = message([1, message([1, 'cpu'], [2, quantity])]);
    const container = message([1, 'c'], [8, resources], [10, probe]);
    const created = message([1, 1_767_323_045], [2, 5]);
    const raw = message(
      [1, message([1, 'p'], [8, created])],
      [2, message([1, volume], [2, container])],
    );
    const { metadata: meta, spec } = decodeProtobuf(envelope('v1', 'Pod', raw)).object as {
      metadata: unknown;
      spec: { volumes: unknown; containers: unknown };
    };
    assert.deepEqual(meta, { name: 'p', creationTimestamp: '2026-01-02T03:04:05Z' });
    assert.deepEqual(spec.volumes, [
      { name: 'v', nfs: { server: 'f', path: '' }, configMap: { name: 'cm' } },
    ]);
    const livenessProbe = {
      httpGet: { path: '/', port: 'web' },
      periodSeconds: -7,
      terminationGracePeriodSeconds: 30,
    };
    assert.deepEqual(spec.containers, [
      { name: 'c', resources: { limits: { cpu: '1500m' } }, livenessProbe },
    ]);
  });

  it('writes micro times with six decimals', () => {
    const renewed = message([1, 1_767_323_045], [2, 120_004_000]);
    const raw = message([1, metadata('l')], [2, message([4, renewed])]);
    const { object } = decodeProtobuf(envelope('coordination.k8s.io/v1', 'Lease', raw));
    assert.deepEqual(object.spec, { renewTime: '2026-01-02T03:04:05.120004Z' });
  });

  it('reads wrapped lists as bare lists', () => {
    const extra = message([1, 'scopes'], [2, message([1, 'a'], [1, 'b'])]);
    const raw = message([2, message([3, 'jane'], [5, extra])]);
    const body = envelope('authorization.k8s.io/v1', 'SubjectAccessReview', raw);
    assert.deepEqual(decodeProtobuf(body).object.spec, {
      user: 'jane',
      extra: { scopes: ['a', 'b'] },
    });
  });

  it('reads opaque parts as JSON, or as another envelope', () => {
    const inner = envelope('v1', 'ConfigMap', message([1, metadata('x')]));
    for (const [bytes, data] of [
      [Buffer.from('{"a":[1]}'), { a: [1] }],
      [inner, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }],
    ] as const) {
      const raw = message([1, metadata('r')], [2, message([1, bytes])], [3, 4]);
      const { object } = decodeProtobuf(envelope('apps/v1', 'ControllerRevision', raw));
      assert.deepEqual(object.data, data);
    }
  });

  it('takes options of any group, and evictions of the old version', () => {
    const options = message([1, 0], [2, message([1, 'uid'])], [4, 'Background'], [5, 'All']);
    const expected = {
      gracePeriodSeconds: 0,
      preconditions: { uid: 'uid' },
      propagationPolicy: 'Background',
      dryRun: ['All'],
    };
    for (const apiVersion of ['v1', 'meta.k8s.io/v1', 'apps/v1', 'policy/v1']) {
      const { object } = decodeProtobuf(envelope(apiVersion, 'DeleteOptions', options));
      assert.deepEqual(object, { apiVersion, kind: 'DeleteOptions', ...expected });
    }
    const eviction = message([1, metadata('p')], [2, options]);
    for (const apiVersion of ['policy/v1', 'policy/v1beta1']) {
      const { object } = decodeProtobuf(envelope(apiVersion, 'Eviction', eviction));
      assert.deepEqual(object.deleteOptions, expected);
    }
  });

  it('skips fields it does not know, and takes packed numbers', () => {
    const raw = message([1, metadata('n')], [99, 'new'], [98, 7]);
    const { object } = decodeProtobuf(envelope('v1', 'Namespace', raw));
    assert.deepEqual(object.metadata, { name: 'n' });
    const groups = Buffer.concat([varint(1), varint(300)]);
    const pod = message([2, message([14, message([4, groups])])]);
    const { spec } = decodeProtobuf(envelope('v1', 'Pod', pod)).object as {
      spec: { securityContext: unknown };
    };
    assert.deepEqual(spec.securityContext, { supplementalGroups: [1, 300] });
  });

  it('uses the fallback for a body that names no kind', () => {
    const fallback = { apiVersion: 'v1', kind: 'DeleteOptions' };
    const body = envelope('', '', message([1, 5]));
    assert.deepEqual(decodeProtobuf(body, fallback).object, { ...fallback, gracePeriodSeconds: 5 });
  });

  it('refuses what is broken with an ApiError, whatever it is', () => {
    const container = message(
      [1, 'c'],
      [8, message([1, message([1, 'cpu'], [2, message([1, '1'])])])],
    );
    const pod = envelope('v1', 'Pod', message([1, metadata('p')], [2, message([2, container])]));
    fc.assert(
      fc.property(fc.nat(pod.length - 1), fc.nat(255), fc.boolean(), (at, byte, isCut) => {
        const broken = Buffer.from(isCut ? pod.subarray(0, at) : pod);
        if (!isCut) broken[at] = byte;
        try {
          decodeProtobuf(broken);
        } catch (error) {
          assert.ok(error instanceof ApiError && error.code === 400, String(error));
        }
      }),
      { numRuns: 1000 },
    );
    assert.throws(() => decodeProtobuf(envelope('v1', 'Nothing', message())), /no kind "Nothing"/);
  });

  it('knows an envelope by its first bytes', () => {
    assert.equal(isProtobufEnvelope(Buffer.from('6b387300', 'hex')), true);
    assert.equal(isProtobufEnvelope(Buffer.from('{"a"')), false);
    assert.equal(isProtobufEnvelope(Buffer.from('k8')), false);
  });
});
