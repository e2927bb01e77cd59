/**
 * A page whose steps run: each block of `sh`, and the block of `text` after it, which is what it prints.
 * In the latter `…` stands for any text within a line, so that a page may leave out what differs.
 */

import { readFileSync } from 'node:fs';

export interface Step {
  readonly script: string;
  /** Undefined: whatever it prints. */
  readonly expected?: RegExp;
}

const BLOCK = /^```(sh|text)\n(.*?)^```$/gms;

export function stepsOf(file: string): readonly Step[] {
  const blocks = [...readFileSync(file, 'utf8').matchAll(BLOCK)].map(([, kind, text = '']) => ({
    kind,
    text,
  }));
  return blocks.flatMap(({ kind, text }, index) => {
    if (kind === 'text') return [];
    const next = blocks[index + 1];
    return [{ script: text, ...(next?.kind === 'text' && { expected: patternOf(next.text) }) }];
  });
}

/** Trailing blanks don't count. */
export function patternOf(text: string): RegExp {
  const lines = text.trimEnd().split('\n');
  const patterns = lines.map((line) => line.trimEnd().split('…').map(escaped).join('.*'));
  return new RegExp(`^${patterns.join('\\n')}$`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
