import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtinAuthorizer } from '../../../apiserver/auth/authorize.ts';
import { impersonated } from '../../../apiserver/auth/impersonate.ts';

const ADMIN = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
const JANE = { name: 'jane', groups: ['system:authenticated'] };

describe('impersonated', () => {
  it('is the sender when no header says otherwise', () => {
    assert.equal(impersonated(JANE, {}, builtinAuthorizer), JANE);
  });

  it('is the named user with the named groups', () => {
    const headers = {
      'impersonate-user': ['jane'],
      'impersonate-group': ['dev', 'ops'],
      'impersonate-uid': ['42'],
      'impersonate-extra-scopes%2fx': ['a', 'b'],
    };
    assert.deepEqual(impersonated(ADMIN, headers, builtinAuthorizer), {
      name: 'jane',
      groups: ['dev', 'ops', 'system:authenticated'],
      uid: '42',
      extra: { 'scopes/x': ['a', 'b'] },
    });
  });

  it('knows the groups of service accounts and of nobody', () => {
    const as = (name: string): readonly string[] =>
      impersonated(ADMIN, { 'impersonate-user': [name] }, builtinAuthorizer).groups;
    assert.deepEqual(as('system:serviceaccount:ns:robot'), [
      'system:serviceaccounts',
      'system:serviceaccounts:ns',
      'system:authenticated',
    ]);
    assert.deepEqual(as('system:anonymous'), ['system:unauthenticated']);
  });

  it('is refused to those who may not, and without a user', () => {
    assert.throws(() => impersonated(JANE, { 'impersonate-user': ['admin'] }, builtinAuthorizer), {
      message:
        'users "admin" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    });
    assert.throws(() => impersonated(ADMIN, { 'impersonate-group': ['x'] }, builtinAuthorizer), {
      code: 400,
    });
  });
});
