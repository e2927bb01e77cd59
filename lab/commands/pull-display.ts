/**
 * The progress of a pull: a line for each layer that is rewritten on a terminal, and a line for each
 * step elsewhere, so that a log of it can be read.
 */

import type { PullProgress } from '../../agent/runtime/image/pull-image.ts';

/** Milliseconds between two drawings: a terminal shows no more. */
const DRAW_MS = 100;
const DIGEST_SHOWN = 12;
const BAR_WIDTH = 24;
/** Lines of a terminal that are drawn over: more would scroll away. */
const LINES_MAX = 20;

export interface PullDisplayOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly nowMs: () => number;
}

export class PullDisplay {
  readonly #options: PullDisplayOptions;
  readonly #layers = new Map<string, PullProgress>();
  #linesDrawn = 0;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(options: PullDisplayOptions) {
    this.#options = options;
  }

  update(layer: PullProgress): void {
    const before = this.#layers.get(layer.digest);
    this.#layers.set(layer.digest, layer);
    const { isTerminal, write, nowMs } = this.#options;
    const isStep = before?.state !== layer.state;
    if (!isTerminal) {
      if (isStep && layer.state !== 'waiting') write(`${shortDigest(layer)}: ${layer.state}\n`);
    } else if (isStep || nowMs() - this.#drawnMs >= DRAW_MS) this.#draw();
  }

  /** The last line; nothing is drawn over after it. */
  end(text: string): void {
    if (this.#options.isTerminal) this.#draw();
    if (text !== '') this.#options.write(`${text}\n`);
  }

  #draw(): void {
    const { write, nowMs } = this.#options;
    const lines = [...this.#layers.values()].slice(0, LINES_MAX).map(lineOf);
    const up = this.#linesDrawn === 0 ? '' : `\x1b[${this.#linesDrawn}A`;
    write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    this.#linesDrawn = lines.length;
    this.#drawnMs = nowMs();
  }
}

function lineOf(layer: PullProgress): string {
  const { state, bytes, totalBytes } = layer;
  if (state !== 'downloading') return `${shortDigest(layer)}: ${state}`;
  const done = totalBytes === 0 ? 1 : bytes / totalBytes;
  const bar = '='.repeat(Math.floor(done * BAR_WIDTH)).padEnd(BAR_WIDTH);
  const count = `${(bytes / 1e6).toFixed(1)}/${(totalBytes / 1e6).toFixed(1)} MB`;
  return `${shortDigest(layer)}: [${bar}] ${count}`;
}

function shortDigest({ digest }: PullProgress): string {
  return digest.replace(/^sha256:/, '').slice(0, DIGEST_SHOWN);
}
