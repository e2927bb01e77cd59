/** Routing messages, byte for byte as the kernel reads them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeAnswer,
  encodeRequest,
  getLink,
  linkIndexOf,
  newAddress,
  newDefaultRoute,
  newVeth,
} from '../../../../agent/runtime/network/netlink-message.ts';

describe('a routing message', () => {
  it('has its length, type, flags and attributes, filled up to four bytes', () => {
    const bytes = encodeRequest(getLink('lo'), 7);
    assert.deepEqual(
      [bytes.readUInt32LE(0), bytes.readUInt16LE(4), bytes.readUInt16LE(6), bytes.readUInt32LE(8)],
      [bytes.length, 18, 0x5, 7],
    );
    assert.deepEqual([...bytes.subarray(32)], [7, 0, 3, 0, 0x6c, 0x6f, 0, 0]);
  });

  it('gives an address with its network’s broadcast address', () => {
    const { body } = newAddress(4, '10.244.1.7', 24);
    assert.deepEqual([...body.subarray(0, 8)], [2, 24, 0, 0, 4, 0, 0, 0]);
    assert.deepEqual([...body.subarray(8, 16)], [8, 0, 2, 0, 10, 244, 1, 7]);
    assert.deepEqual([...body.subarray(24, 32)], [8, 0, 4, 0, 10, 244, 1, 255]);
    assert.deepEqual([...newAddress(1, '10.0.130.1', 17).body.subarray(28)], [10, 0, 255, 255]);
  });

  it('sets a route in the main table', () => {
    const bytes = encodeRequest(newDefaultRoute(4, '10.244.1.1'), 1);
    assert.equal(bytes.readUInt16LE(6), 0x605);
    assert.deepEqual([...bytes.subarray(16, 28)], [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]);
  });

  it('makes a pair with its far end in another namespace', () => {
    const { body } = newVeth('vetha', 'eth0', 9);
    const text = body.toString('latin1');
    for (const part of ['vetha\0', 'veth\0', 'eth0\0', '\x08\0\x1c\0\x09\0\0\0']) {
      assert.ok(text.includes(part), JSON.stringify(part));
    }
  });

  it('is answered with an error number, or a link', () => {
    const failed = Buffer.alloc(20);
    failed.writeUInt32LE(20, 0);
    failed.writeUInt16LE(2, 4);
    failed.writeInt32LE(-17, 16);
    assert.equal(decodeAnswer(failed).errno, 17);
    const link = Buffer.alloc(32);
    link.writeUInt32LE(32, 0);
    link.writeUInt16LE(16, 4);
    link.writeInt32LE(42, 20);
    assert.deepEqual([decodeAnswer(link).errno, linkIndexOf(decodeAnswer(link))], [undefined, 42]);
  });
});
