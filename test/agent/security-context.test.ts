/** What the agent asks of the runtime for a pod's and a container's security context. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containerSecurityContext } from '../../agent/cri/security-context.ts';
import type { SeccompProfile } from '../../proto/api/gen/core-v1.ts';
import { newContainer, newPod } from './pod-builder.ts';

const ROOT = '/data/seccomp';

function seccompOf(ofPod?: SeccompProfile, ofContainer?: SeccompProfile) {
  const pod = newPod(ofPod && { securityContext: { seccompProfile: ofPod } });
  const context = ofContainer && { securityContext: { seccompProfile: ofContainer } };
  const container = newContainer('main', context);
  return containerSecurityContext(pod, container, undefined, { seccompProfileRoot: ROOT }).seccomp;
}

describe('the seccomp profile of a container', () => {
  it('is none when neither pod nor container say so, as without seccompDefault', () => {
    assert.deepEqual(seccompOf(), { profile_type: 'Unconfined', localhost_ref: '' });
  });

  it("is the pod's, and the container's before it", () => {
    assert.equal(seccompOf({ type: 'RuntimeDefault' })?.profile_type, 'RuntimeDefault');
    const both = seccompOf({ type: 'RuntimeDefault' }, { type: 'Unconfined' });
    assert.equal(both?.profile_type, 'Unconfined');
  });

  it('is a file of the node', () => {
    assert.deepEqual(seccompOf({ type: 'Localhost', localhostProfile: 'web/audit.json' }), {
      profile_type: 'Localhost',
      localhost_ref: '/data/seccomp/web/audit.json',
    });
  });
});
