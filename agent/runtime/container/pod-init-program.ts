/**
 * The first process of a PID namespace that the containers of a pod share, as the bytes of its program:
 * it ignores SIGCHLD, which has the kernel reap what is left to it, and waits for ever. Of other signals
 * the kernel lets none from inside the namespace through to it. Pure.
 *
 * Source: elf(5), pid_namespaces(7), sigaction(2); arch/x86/entry/calling.h, the Arm A64 instruction set.
 */

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const CODE_AT = HEADER_BYTES + SEGMENT_BYTES;
/** Where programs of a fixed address are loaded by custom. */
const ADDRESS = 0x400000;
const PAGE_BYTES = 0x1000;
/** struct sigaction of the kernel: handler SIG_IGN (1), flags, restorer, mask. */
const SIGACTION = Buffer.from([1, ...Array<number>(31).fill(0)]);

const MACHINES: Readonly<Record<string, { readonly machine: number; readonly code: Buffer }>> = {
  x64: { machine: 62, code: x64Code() },
  arm64: { machine: 183, code: arm64Code() },
};

/** Throws on an architecture that is not written down here. */
export function podInitProgram(architecture: string): Buffer {
  const target = MACHINES[architecture];
  if (target === undefined) throw new Error(`A shared PID namespace needs x64 or arm64`);
  const content = Buffer.concat([target.code, SIGACTION]);
  const file = Buffer.alloc(CODE_AT + content.length);
  // 64 bits, little endian, version 1.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(target.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(ADDRESS + CODE_AT), 24); // entry
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // segments
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(SEGMENT_BYTES, 54);
  file.writeUInt16LE(1, 56);
  // One segment: the whole file, to be read and executed.
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(BigInt(ADDRESS), 80);
  file.writeBigUInt64LE(BigInt(ADDRESS), 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(BigInt(PAGE_BYTES), 112);
  content.copy(file, CODE_AT);
  return file;
}

/** rt_sigaction(SIGCHLD, SIGACTION, 0, 8); for (;;) pause(); */
function x64Code(): Buffer {
  return Buffer.from([
    ...[0xb8, 13, 0, 0, 0], // mov eax, rt_sigaction
    ...[0xbf, 17, 0, 0, 0], // mov edi, SIGCHLD
    ...[0x48, 0x8d, 0x35, 19, 0, 0, 0], // lea rsi, [rip + 19]: behind the code
    ...[0x31, 0xd2], // xor edx, edx
    ...[0x41, 0xba, 8, 0, 0, 0], // mov r10d, 8
    ...[0x0f, 0x05], // syscall
    ...[0xb8, 34, 0, 0, 0], // mov eax, pause
    ...[0x0f, 0x05], // syscall
    ...[0xeb, 0xf7], // jmp to the move before
  ]);
}

/** The same; ppoll of nothing stands for pause, which arm64 has not. */
function arm64Code(): Buffer {
  const set = (register: number, value: number): number =>
    (0xd280_0000 | (value << 5) | register) >>> 0;
  const SUPERVISOR_CALL = 0xd400_0001;
  const words = [
    set(8, 134), // rt_sigaction
    set(0, 17), // SIGCHLD
    0x1000_0161, // adr x1, 44 bytes on: behind the code
    set(2, 0),
    set(3, 8),
    SUPERVISOR_CALL,
    set(8, 73), // ppoll
    set(0, 0),
    set(1, 0),
    set(2, 0),
    set(3, 0),
    SUPERVISOR_CALL,
    0x17ff_fffa, // six back
  ];
  const code = Buffer.alloc(4 * words.length);
  for (const [index, word] of words.entries()) code.writeUInt32LE(word, 4 * index);
  return code;
}
