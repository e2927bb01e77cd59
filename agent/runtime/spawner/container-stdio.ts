/**
 * The standard streams of one container on the spawner's side.
 *
 * They are named pipes, and the container has its output pipes open for reading too: so its writes do
 * not fail while there is no spawner, and the next one opens them by name and goes on. A terminal has
 * no name outside: its container is hung up when the spawner dies.
 */

import { closeSync, constants, fchownSync, openSync } from 'node:fs';
import net from 'node:net';
import type { Writable } from 'node:stream';
import tty from 'node:tty';
import type { Clock } from '../../../base/clock.ts';
import type { StdioSpec, UserSpec } from '../container/spec.ts';
import { resizeTerminal } from '../container/terminal.ts';
import { mknodat } from '../syscalls/libc.ts';
import { AT_FDCWD, S_IFIFO } from '../syscalls/linux.ts';
import type { ContainerLog } from './container-log.ts';
import { ProcessOutput } from './process-output.ts';
import type { TerminalSize } from './protocol.ts';
import type { ContainerFiles } from './run-files.ts';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** Only a process outside of the container, to which it handed its streams, can hold them longer. */
const FINISH_TIMEOUT_MS = 2_000;

export class ContainerStdio {
  readonly output: ProcessOutput;
  /** Absent when nobody can write to the container, or no more. */
  stdin: Writable | undefined;
  readonly log: ContainerLog | undefined;
  readonly #terminal: { readonly master: number; readonly stream: tty.ReadStream } | undefined;
  #isStdinGiven = false;

  /** For a container without a terminal: the pipes must be there. */
  static ofPipes(
    files: ContainerFiles,
    spec: StdioSpec,
    log: ContainerLog | undefined,
  ): ContainerStdio {
    const stdin = spec.isStdinOpen ? openWriter(files.pipe('stdin')) : undefined;
    const output = new ProcessOutput([
      openReader(files.pipe('stdout')),
      openReader(files.pipe('stderr')),
    ]);
    return new ContainerStdio({ output, stdin, log });
  }

  /** `master`: of the container's pseudo-terminal; it is closed with this. */
  static ofTerminal(master: number, log: ContainerLog | undefined): ContainerStdio {
    const stream = new tty.ReadStream(master);
    return new ContainerStdio({
      output: new ProcessOutput([stream]),
      stdin: stream,
      log,
      terminal: { master, stream },
    });
  }

  private constructor(parts: {
    readonly output: ProcessOutput;
    readonly stdin: Writable | undefined;
    readonly log: ContainerLog | undefined;
    readonly terminal?: { readonly master: number; readonly stream: tty.ReadStream };
  }) {
    this.output = parts.output;
    this.stdin = parts.stdin;
    this.log = parts.log;
    this.#terminal = parts.terminal;
    const { log } = parts;
    if (log !== undefined) {
      this.output.add({
        take: (stream, chunk) => {
          log.write(stream, chunk);
          return true;
        },
      });
    } else this.output.add({ take: () => true }); // Read all the same, or the container would stop.
    this.stdin?.on('error', () => undefined); // It has closed its standard input.
  }

  /** An attachment that had the standard input has ended. */
  endStdinOnce(spec: StdioSpec): void {
    if (!spec.isStdinOnce || this.#isStdinGiven) return;
    this.#isStdinGiven = true;
    if (this.#terminal !== undefined) return; // A terminal has no end but its hang-up.
    this.stdin?.end();
    this.stdin = undefined;
  }

  resize(size: TerminalSize): void {
    // Its fd belongs to the stream, and may be another file's when that has closed it.
    if (this.#terminal?.stream.destroyed === false) resizeTerminal(this.#terminal.master, size);
  }

  /** After the process has ended: hands on what it wrote, and closes everything. */
  async finish(clock: Clock): Promise<void> {
    await this.output.finish(clock, FINISH_TIMEOUT_MS);
    this.stdin?.destroy();
    this.stdin = undefined;
    this.log?.close();
  }
}

/** Makes the pipes and opens the container's ends. The caller closes them after the clone. */
export function openContainerEnds(
  files: ContainerFiles,
  spec: StdioSpec,
  user: Pick<UserSpec, 'uid' | 'gid'>,
): readonly [stdin: number, stdout: number, stderr: number] {
  const outputs = (['stdout', 'stderr'] as const).map((name) => {
    mknodat(AT_FDCWD, files.pipe(name), S_IFIFO | 0o600, 0);
    return owned(openSync(files.pipe(name), O_RDWR), user);
  });
  const [stdout = -1, stderr = -1] = outputs;
  if (!spec.isStdinOpen) return [openSync('/dev/null', O_RDONLY), stdout, stderr];
  mknodat(AT_FDCWD, files.pipe('stdin'), S_IFIFO | 0o600, 0);
  // To open a pipe for reading waits for a writer, so there is one for this moment.
  const writer = openSync(files.pipe('stdin'), O_RDWR);
  const stdin = owned(openSync(files.pipe('stdin'), O_RDONLY), user);
  closeSync(writer);
  return [stdin, stdout, stderr];
}

/** So that the container's user may open /dev/stdout, which leads here. */
function owned(fd: number, user: Pick<UserSpec, 'uid' | 'gid'>): number {
  fchownSync(fd, user.uid, user.gid);
  return fd;
}

function openReader(file: string): net.Socket {
  const fd = openSync(file, O_RDONLY | O_NONBLOCK);
  return new net.Socket({ fd, readable: true, writable: false });
}

/** Undefined when nobody reads: the container has ended, or closed its standard input. */
function openWriter(file: string): net.Socket | undefined {
  let fd: number;
  try {
    fd = openSync(file, O_WRONLY | O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return new net.Socket({ fd, readable: false, writable: true });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
