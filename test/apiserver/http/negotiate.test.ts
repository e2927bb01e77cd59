import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { negotiate, PLAIN_JSON } from '../../../apiserver/http/negotiate.ts';

const TABLE = { encoding: 'json', shape: 'table', metaVersion: 'v1' };

describe('negotiate', () => {
  it('takes JSON for nothing, anything and protobuf with JSON', () => {
    for (const accept of [
      undefined,
      '',
      '*/*',
      'application/json',
      'application/json, */*;q=0.8',
      'application/vnd.kubernetes.protobuf,application/json',
      'application/vnd.kubernetes.protobuf, */*',
    ]) {
      assert.deepEqual(negotiate(accept, ['object']), PLAIN_JSON, accept);
    }
  });

  it('gives kubectl its table, and the object where there is no table', () => {
    const accept =
      'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';
    assert.deepEqual(negotiate(accept, ['object', 'table']), TABLE);
    assert.deepEqual(negotiate(accept, ['object']), PLAIN_JSON);
  });

  it('does not mind the order of parameters', () => {
    assert.deepEqual(negotiate('application/json;g=meta.k8s.io;v=v1;as=Table', ['table']), TABLE);
  });

  it('prefers by quality', () => {
    const yaml = { ...PLAIN_JSON, encoding: 'yaml' };
    assert.deepEqual(negotiate('application/json;q=0.5,application/yaml', ['object']), yaml);
    assert.deepEqual(negotiate('application/yaml;q=0,application/json', ['object']), PLAIN_JSON);
  });

  it('refuses what it does not have', () => {
    for (const accept of [
      'text/html',
      'application/vnd.kubernetes.protobuf',
      'application/json;as=Table;v=v1;g=meta.k8s.io',
      'application/json;as=Something;v=v1;g=meta.k8s.io',
      'application/json;as=PartialObjectMetadata;v=v2;g=meta.k8s.io',
    ]) {
      assert.throws(() => negotiate(accept, ['object']), { code: 406, reason: 'NotAcceptable' });
    }
  });
});
