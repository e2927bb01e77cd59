import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OwnWrites } from '../../../apiserver/storage/etcd/own-writes.ts';
import { bytes } from '../../support/storage-harness.ts';

describe('OwnWrites', () => {
  it('gives the bytes that were written, once, for an event that brings the same', () => {
    const writes = new OwnWrites();
    const own = bytes('one');
    writes.add('/a', own);
    const [foreign, same] = [bytes('other'), bytes('one')];
    assert.equal(writes.take('/a', foreign), foreign);
    assert.equal(writes.take('/b', same), same);
    assert.equal(writes.take('/a', same), own);
    assert.equal(writes.take('/a', same), same);
  });

  it('forgets what was not written, but not a later write of the key', () => {
    const writes = new OwnWrites();
    const [first, second] = [bytes('one'), bytes('two')];
    writes.add('/a', first);
    writes.drop('/a', first);
    const same = bytes('one');
    assert.equal(writes.take('/a', same), same);
    writes.add('/a', second);
    writes.drop('/a', first);
    assert.equal(writes.take('/a', bytes('two')), second);
  });

  it('is bounded', () => {
    const writes = new OwnWrites();
    const [oldest, newest] = [bytes('0'), bytes('x')];
    writes.add('/0', oldest);
    for (let index = 1; index < 10_000; index += 1) writes.add(`/${index}`, bytes(`${index}`));
    writes.add('/x', newest);
    assert.notEqual(writes.take('/0', bytes('0')), oldest);
    assert.equal(writes.take('/x', bytes('x')), newest);
  });
});
