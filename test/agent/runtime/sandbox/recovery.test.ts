/** What is done about a record after a restart: never a second start, never a forgotten exit. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containerRecovery } from '../../../../agent/runtime/sandbox/recovery.ts';
import {
  type ContainerPhase,
  type ContainerRecord,
  exited,
  failedToStart,
  lost,
} from '../../../../agent/runtime/store/container-record.ts';

describe('recovery of a container', () => {
  const table: readonly (readonly [
    ContainerPhase,
    'created' | 'running' | 'exited' | undefined,
    string,
  ])[] = [
    ['creating', undefined, 'undo'],
    ['creating', 'created', 'undo'],
    ['created', undefined, 'keep'],
    ['created', 'created', 'keep'],
    ['created', 'running', 'observe'],
    ['created', 'exited', 'observe'],
    ['starting', 'created', 'back-to-created'],
    ['starting', 'running', 'observe'],
    ['starting', 'exited', 'observe'],
    ['starting', undefined, 'lost'],
    ['running', 'running', 'observe'],
    ['running', 'exited', 'observe'],
    ['running', undefined, 'lost'],
    ['exited', undefined, 'keep'],
    ['exited', 'running', 'keep'],
  ];
  for (const [phase, observed, expected] of table) {
    it(`${phase}, and the spawner says ${observed ?? 'nothing'}: ${expected}`, () => {
      assert.equal(containerRecovery({ phase }, observed), expected);
    });
  }
});

describe('the record of a container', () => {
  const running = { phase: 'running', startedAtNs: '5', exitCode: 0 } as ContainerRecord;
  const exit = { exitCode: 0, finishedAtNs: '9', isOomKilled: false };

  it('says how it ended', () => {
    assert.equal(exited(running, exit).reason, 'Completed');
    assert.equal(exited(running, { ...exit, exitCode: 3 }).reason, 'Error');
    assert.equal(
      exited(running, { ...exit, exitCode: 137, isOomKilled: true }).reason,
      'OOMKilled',
    );
    assert.equal(exited(running, exit).finishedAtNs, '9');
  });

  it('keeps the first exit', () => {
    const first = exited(running, { ...exit, exitCode: 3 });
    assert.equal(exited(first, exit), first);
  });

  it('has code 128 when it could not be started, and 255 when nobody saw its end', () => {
    const failed = failedToStart({ ...running, startedAtNs: '0' }, 'no such file', '7');
    assert.deepEqual(
      [failed.exitCode, failed.reason, failed.message, failed.startedAtNs],
      [128, 'StartError', 'no such file', '7'],
    );
    assert.deepEqual([lost(running, '7').exitCode, lost(running, '7').reason], [255, 'Unknown']);
  });
});
