/** A replay for a person: what happened beside what would have, and the pods that part. */

import { alignColumns } from '../../../cli/printers/table.ts';
import { preferenceText } from '../compare/preference.ts';
import type { Replay, ReplaySide } from './replay.ts';

/** Above it the table is too long to be read; `-o json` has all. */
const ROWS_MAX = 20;

export function replayLines(replay: Replay, what: { readonly file: string }): readonly string[] {
  const { policy, seed, tieBreak, pods, wereThere, differences, live } = replay;
  const share = pods === 0 ? 0 : (100 * differences.length) / pods;
  const lines = [
    `${what.file}: ${pods} pods came, ${wereThere} were there`,
    '',
    ...alignColumns([
      ['', 'LIVE', policy.toUpperCase()],
      ['pods with a node', String(live.placed), String(replay.replay.placed)],
      ['pods without a node', String(pods - live.placed), String(pods - replay.replay.placed)],
      ['nodes that got a pod', String(live.nodes), String(replay.replay.nodes)],
      ['mean wait', meanWait(live), meanWait(replay.replay)],
      ['longest wait', longestWait(live), longestWait(replay.replay)],
      ['preempted', '-', String(replay.preempted)],
    ]),
    '',
    `On other nodes: ${differences.length} of ${pods} pods (${share.toFixed(1)} %)`,
  ];
  if (differences.length > 0) {
    lines.push(
      ...alignColumns([
        ['POD', 'LIVE', policy.toUpperCase(), 'BECAUSE'],
        ...differences
          .slice(0, ROWS_MAX)
          .map((one) => [one.pod, one.live ?? '-', one.replay ?? '-', preferenceText(one.because)]),
      ]),
    );
    const more = differences.length - ROWS_MAX;
    if (more > 0) lines.push(`… and ${more} more: -o json has all`);
  }
  return [...lines, '', `ties ${tieBreak}, seed ${seed}, result ${replay.resultHash.slice(0, 16)}`];
}

function meanWait({ waitsMs }: ReplaySide): string {
  if (waitsMs.length === 0) return '-';
  return msText(waitsMs.reduce((sum, ms) => sum + ms, 0) / waitsMs.length);
}

function longestWait({ waitsMs }: ReplaySide): string {
  return waitsMs.length === 0 ? '-' : msText(waitsMs.reduce((most, ms) => Math.max(most, ms), 0));
}

function msText(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
