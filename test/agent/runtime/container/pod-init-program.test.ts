/** The program of a shared PID namespace: what its bytes say, for both architectures. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { podInitProgram } from '../../../../agent/runtime/container/pod-init-program.ts';

describe('podInitProgram', () => {
  for (const [architecture, machine] of [
    ['x64', 62],
    ['arm64', 183],
  ] as const) {
    it(`is an executable for ${architecture} whose entry is its code`, () => {
      const file = podInitProgram(architecture);
      assert.equal(file.toString('latin1', 0, 4), '\x7fELF');
      assert.equal(file.readUInt16LE(18), machine);
      const address = Number(file.readBigUInt64LE(80));
      assert.equal(Number(file.readBigUInt64LE(24)), address + 64 + 56);
      assert.equal(Number(file.readBigUInt64LE(96)), file.length);
    });
  }

  it('finds SIG_IGN where the code says it is', () => {
    const x64 = podInitProgram('x64');
    const load = 120 + 10; // behind two moves of 5 bytes
    assert.deepEqual([...x64.subarray(load, load + 3)], [0x48, 0x8d, 0x35]);
    const at = load + 7 + x64.readInt32LE(load + 3);
    assert.deepEqual([...x64.subarray(at, at + 8)], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(at + 32, x64.length);
    const arm64 = podInitProgram('arm64');
    const adr = arm64.readUInt32LE(120 + 8);
    const offset = (((adr >>> 5) & 0x7ffff) << 2) | ((adr >>> 29) & 3);
    assert.equal(120 + 8 + offset + 32, arm64.length);
  });

  it('is not there for other architectures', () => {
    assert.throws(() => podInitProgram('mips'), /needs x64 or arm64/);
  });
});
