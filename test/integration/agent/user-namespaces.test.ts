/** Blocks of user ids: one a pod, the same after a restart, free when the pod's folder is gone. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { AgentPaths } from '../../../agent/agent-paths.ts';
import { UserNamespaces } from '../../../agent/user-namespaces/user-namespaces.ts';
import { newPod } from '../../agent/pod-builder.ts';

describe('UserNamespaces', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'skt-users-'));
  after(() => rmSync(folder, { recursive: true }));
  const paths = new AgentPaths(folder);
  const hostIdOf = (uid: string) =>
    new UserNamespaces(paths).mappingOf(newPod({ hostUsers: false }, { uid }))?.host_id;

  it('gives each pod 65536 ids, the same each time', () => {
    assert.deepEqual(['a', 'b', 'a', 'c'].map(hostIdOf), [65_536, 131_072, 65_536, 196_608]);
    const users = new UserNamespaces(paths);
    assert.equal(users.mappingOf(newPod()), undefined);
    assert.equal(users.mappingOf(newPod({ hostUsers: true })), undefined);
  });

  it('gives a block again when its pod is gone', () => {
    rmSync(paths.pod('b'), { recursive: true });
    assert.deepEqual(['d', 'b'].map(hostIdOf), [131_072, 262_144]);
  });

  it('gives none while it cannot be sure that it is free', () => {
    writeFileSync(paths.userNamespace('a'), 'x');
    assert.throws(() => hostIdOf('e'), /holds no block of user ids/);
  });
});
