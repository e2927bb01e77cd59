import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCniConfig } from '../../../../agent/runtime/network/cni/cni-config.ts';

const parse = (value: unknown) => parseCniConfig(JSON.stringify(value), 'net.conf');

describe('a CNI configuration', () => {
  it('is a list of plugins, or one plugin', () => {
    const bridge = { type: 'bridge', bridge: 'cni0' };
    assert.deepEqual(parse({ cniVersion: '1.0.0', name: 'a', plugins: [bridge] }), {
      cniVersion: '1.0.0',
      name: 'a',
      plugins: [bridge],
    });
    const single = { cniVersion: '0.4.0', name: 'b', ...bridge };
    assert.deepEqual(parse(single), { cniVersion: '0.4.0', name: 'b', plugins: [single] });
  });

  it('is refused with the file and the reason when it is wrong', () => {
    assert.throws(() => parseCniConfig('{', 'net.conf'), /net\.conf is no JSON/);
    assert.throws(() => parse({ name: '../x', type: 'bridge' }), /"..\/x" is no name of a network/);
    assert.throws(() => parse({ name: 'a', plugins: [] }), /no plugins/);
    for (const type of ['../../bin/sh', '', '..']) {
      assert.throws(() => parse({ name: 'a', plugins: [{ type }] }), /is no name of a plugin/);
    }
    assert.throws(() => parse({ name: 'a' }), /"" is no name of a plugin/);
  });
});
