/** Who a container runs as, from the image's own, hostile files. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveUser, type UserRequest } from '../../../../agent/runtime/image/user.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  'web:x:33:33::/var/www:/bin/false',
  'bad line',
  'huge:x:4294967296:0::/:/bin/sh',
].join('\n');
const GROUP = ['root:x:0:', 'web:x:33:', 'logs:x:44:web,other', 'disk:x:6:root'].join('\n');

const request: UserRequest = {
  runAsUser: undefined,
  runAsGroup: undefined,
  runAsUsername: '',
  supplementalGroups: [],
  policy: 'Merge',
  imageUser: '',
};

function resolve(changes: Partial<UserRequest>) {
  return resolveUser({ ...request, ...changes }, PASSWD, GROUP);
}

function user(changes: Partial<UserRequest>) {
  const resolved = resolve(changes);
  assert.ok(resolved.kind === 'user', JSON.stringify(resolved));
  return resolved.user;
}

describe('the user of a container', () => {
  it('is root without a USER, in the groups the image gives root', () => {
    assert.deepEqual(user({}), { uid: 0, gid: 0, supplementalGroups: [0, 6] });
  });

  it('is found by name, with its home and groups', () => {
    const resolved = resolve({ imageUser: 'web' });
    assert.ok(resolved.kind === 'user');
    assert.deepEqual(resolved.user, { uid: 33, gid: 33, supplementalGroups: [33, 44] });
    assert.equal(resolved.home, '/var/www');
  });

  it('may be a number that no file knows', () => {
    assert.deepEqual(user({ imageUser: '1234' }), { uid: 1234, gid: 0, supplementalGroups: [0] });
  });

  it('takes the group after the colon, by name or number', () => {
    assert.equal(user({ imageUser: 'web:logs' }).gid, 44);
    assert.equal(user({ imageUser: '5:7' }).gid, 7);
    assert.equal(resolve({ imageUser: 'web:nobody' }).kind, 'invalid');
  });

  it('is what the request says, rather than the image', () => {
    const changes = { runAsUser: 33n, runAsGroup: 9n, imageUser: 'root' };
    assert.deepEqual(user(changes), { uid: 33, gid: 9, supplementalGroups: [9, 44] });
    assert.equal(user({ runAsUsername: 'web', imageUser: 'root' }).uid, 33);
  });

  it('has the groups given, then the image’s, unless the policy is strict', () => {
    const changes = { imageUser: 'web', supplementalGroups: [1000n] };
    assert.deepEqual(user(changes).supplementalGroups, [33, 1000, 44]);
    assert.deepEqual(user({ ...changes, policy: 'Strict' }).supplementalGroups, [33, 1000]);
  });

  it('refuses unknown names and a group without a user', () => {
    assert.equal(resolve({ imageUser: 'nobody' }).kind, 'invalid');
    assert.equal(resolve({ runAsGroup: 5n }).kind, 'invalid');
  });

  it('refuses ids that would wrap around to others', () => {
    for (const imageUser of [
      '2147483648',
      '4294967296',
      '18446744073709551616',
      'huge',
      '0:4294967296',
    ]) {
      assert.equal(resolve({ imageUser }).kind, 'invalid', imageUser);
    }
    assert.equal(resolve({ runAsUser: -1n }).kind, 'invalid');
    assert.equal(resolve({ supplementalGroups: [2n ** 32n] }).kind, 'invalid');
  });
});
