/** The filters of lists, and what is hidden from them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  matchesContainer,
  matchesLabels,
  matchesSandbox,
} from '../../../../agent/runtime/cri/filters.ts';
import { containerMessage, sandboxMessage } from '../../../../agent/runtime/cri/messages.ts';
import type { ContainerRecord } from '../../../../agent/runtime/store/container-record.ts';
import type { SandboxRecord } from '../../../../agent/runtime/store/sandbox-record.ts';

const container = {
  id: 'abcdef',
  sandboxId: 'sandbox1',
  labels: { app: 'web' },
  phase: 'running',
} as unknown as ContainerRecord;
const sandbox = {
  id: 'abcdef',
  config: { labels: { app: 'web' } },
  phase: 'ready',
} as unknown as SandboxRecord;
const none = { id: '', state: null, pod_sandbox_id: '', label_selector: {} };

describe('filters', () => {
  it('let everything pass when nothing is asked for', () => {
    assert.ok(matchesContainer(container, null));
    assert.ok(matchesContainer(container, none));
    assert.ok(matchesSandbox(sandbox, null));
  });

  it('want all of what is asked for', () => {
    const filter = {
      ...none,
      id: 'abc',
      pod_sandbox_id: 'sandbox1',
      label_selector: { app: 'web' },
    };
    assert.ok(matchesContainer(container, filter));
    assert.ok(!matchesContainer(container, { ...filter, id: 'abd' }));
    assert.ok(!matchesContainer(container, { ...filter, pod_sandbox_id: 'other' }));
    assert.ok(!matchesContainer(container, { ...filter, state: { state: 'CONTAINER_EXITED' } }));
    assert.ok(!matchesSandbox(sandbox, { ...none, state: { state: 'SANDBOX_NOTREADY' } }));
    assert.ok(matchesSandbox(sandbox, { ...none, state: { state: 'SANDBOX_READY' } }));
  });

  it('never show what is still being made', () => {
    assert.ok(!matchesContainer({ ...container, phase: 'creating' }, null));
    assert.ok(!matchesSandbox({ ...sandbox, phase: 'creating' }, null));
  });

  it('compare labels by value, and do not see inherited names', () => {
    assert.ok(!matchesLabels({ a: '1' }, { a: '2' }));
    assert.ok(!matchesLabels({}, { toString: 'x' }));
    assert.ok(matchesLabels({ a: '1', b: '2' }, { b: '2' }));
  });

  it('see the states that messages show', () => {
    assert.equal(containerMessage({ ...container, phase: 'starting' }).state, 'CONTAINER_CREATED');
    assert.equal(containerMessage(container).state, 'CONTAINER_RUNNING');
    assert.equal(sandboxMessage({ ...sandbox, phase: 'notready' }).state, 'SANDBOX_NOTREADY');
  });
});
