/**
 * The normaliser that most plugins use: the highest raw score becomes 100, the others their share.
 *
 * Source: kubernetes pkg/scheduler/framework/plugins/helper/normalize_score.go, v1.36.
 */

import { SCORE_MAX, type Scores } from '../framework/plugin.ts';

/** In place. Reversed, the lowest is best; when all are 0, all get 0, reversed 100. */
export function normalizeByMax(scores: Scores, isReversed: boolean): void {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  for (let index = 0; index < scores.length; index += 1) {
    const share = max === 0 ? 0 : Math.trunc(((scores[index] ?? 0) * SCORE_MAX) / max);
    scores[index] = isReversed ? SCORE_MAX - share : share;
  }
}
