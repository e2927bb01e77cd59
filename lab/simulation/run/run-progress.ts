/** How far an experiment is: a bar that is drawn over on a terminal, plain lines elsewhere. */

import type { RunResult } from '../result/run-result.ts';

const BAR_WIDTH = 30;

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class RunProgress {
  readonly #stream: ProgressStream;
  #isDrawn = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  onRun(result: RunResult, done: number, all: number): void {
    const { policy, seed, measured } = result;
    const what = `${policy}, seed ${seed} (${Math.round(measured.wallMs)} ms)`;
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${done}/${all} ${what}\n`);
      return;
    }
    const full = Math.round((BAR_WIDTH * done) / all);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
    this.#stream.write(`\r\x1b[K${bar} ${done}/${all} ${what}`);
    this.#isDrawn = true;
    if (done === all) this.clear();
  }

  /** Leaves the line to what is written next. */
  clear(): void {
    if (this.#isDrawn) this.#stream.write('\r\x1b[K');
    this.#isDrawn = false;
  }
}
