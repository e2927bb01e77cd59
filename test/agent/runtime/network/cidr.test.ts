/** IPv4 networks as numbers. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressAt, addressCount, parseCidr } from '../../../../agent/runtime/network/cidr.ts';

describe('a CIDR', () => {
  it('has its first address and its size', () => {
    const cidr = parseCidr('10.244.3.77/24');
    assert.equal(addressAt(cidr, 0), '10.244.3.0');
    assert.equal(addressAt(cidr, 255), '10.244.3.255');
    assert.equal(addressCount(cidr), 256);
  });

  it('may be beyond 128.0.0.0, where 32-bit integers would be negative', () => {
    assert.equal(addressAt(parseCidr('255.255.255.0/24'), 255), '255.255.255.255');
    assert.equal(addressCount(parseCidr('0.0.0.0/0')), 2 ** 32);
  });

  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.256/8',
    'fd00::/64',
    '1.2.3.4/',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.throws(() => parseCidr(text)));
  }
});
