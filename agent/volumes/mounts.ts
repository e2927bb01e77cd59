/** The agent's own mounts: a tmpfs for secrets, tmpfs volumes, bind mounts of sub-paths. */

import { readFile } from 'node:fs/promises';
import type { RunTool } from '../run-tool.ts';

export class Mounts {
  readonly #runTool: RunTool;

  constructor(runTool: RunTool) {
    this.#runTool = runTool;
  }

  /** `sizeBytes` 0: the kernel's default, half of the memory. */
  async mountTmpfs(target: string, mode: string, sizeBytes: number): Promise<void> {
    if ((await this.mountPoints(target)).includes(target)) return;
    const size = sizeBytes > 0 ? `,size=${sizeBytes}` : '';
    const options = `nosuid,nodev,mode=${mode}${size}`;
    await this.#runTool('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', target]);
  }

  /** The source may be `/proc/PID/fd/N`: it isn't resolved by name again. */
  async bind(source: string, target: string): Promise<void> {
    await this.#runTool('mount', ['--no-canonicalize', '--bind', source, target]);
  }

  /** Unmounts everything at and below the folder, the innermost first. */
  async unmountBelow(folder: string): Promise<void> {
    for (const target of (await this.mountPoints(folder)).toReversed()) {
      await this.#runTool('umount', ['--lazy', target]);
    }
  }

  /** In the order they were mounted. */
  async mountPoints(folder: string): Promise<readonly string[]> {
    const text = await readFile('/proc/self/mountinfo', 'utf8');
    return mountPointsBelow(text, folder);
  }
}

/** The mount points at and below a folder, of the text of `/proc/PID/mountinfo`. */
export function mountPointsBelow(mountinfo: string, folder: string): readonly string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((point) =>
      point.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))),
    )
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
}
