import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  continueExpired,
  decodeContinue,
  encodeContinue,
  NEWEST,
} from '../../../apiserver/endpoints/continue-token.ts';

describe('continue tokens', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string({ minLength: 1 }), (revision, after) => {
        assert.deepEqual(decodeContinue(encodeContinue({ revision, after })), { revision, after });
      }),
    );
  });

  it('refuse anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.throws(() => decodeContinue(text), { code: 400 });
      }),
    );
  });

  it('come fresh with the error of an expired one', () => {
    const error = continueExpired('default/a');
    assert.equal(error.code, 410);
    assert.deepEqual(decodeContinue(error.status.metadata?.continue ?? ''), {
      revision: NEWEST,
      after: 'default/a',
    });
  });
});
