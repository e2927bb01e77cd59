/** What a child reports, and how its end is read. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatChildLine,
  parseChildLine,
} from '../../../../agent/runtime/container/child-report.ts';
import { decodeWaitStatus } from '../../../../agent/runtime/spawner/reaper.ts';
import { SyscallError } from '../../../../agent/runtime/syscalls/syscall-error.ts';

describe("a child's report", () => {
  it('is read as it was written', () => {
    for (const line of [
      { kind: 'terminal', fd: 7 },
      { kind: 'ready' },
      { kind: 'exec' },
      { kind: 'failed', message: 'exec: "a b"\n: no' },
    ] as const) {
      assert.deepEqual(parseChildLine(formatChildLine(line).trimEnd()), line);
    }
  });

  it('that is none is refused', () => {
    assert.throws(() => parseChildLine('hello'), /hello/);
  });
});

describe('an exit status', () => {
  it('is the code of a process that ended by itself', () => {
    assert.deepEqual(decodeWaitStatus(42 << 8), { exitCode: 42, signal: 0 });
  });

  it('is 128 and the signal of one that was killed, with or without a core', () => {
    assert.deepEqual(decodeWaitStatus(9), { exitCode: 137, signal: 9 });
    assert.deepEqual(decodeWaitStatus(11 | 0x80), { exitCode: 139, signal: 11 });
  });
});

describe('a failed system call', () => {
  it('says what failed and why', () => {
    const error = new SyscallError('mount "/proc"', 1);
    assert.equal(error.message, 'mount "/proc": operation not permitted');
    assert.equal(error.code, 'EPERM');
  });
});
