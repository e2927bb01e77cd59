/** Results of an experiment as a file: JSON in which typed arrays are lists with the name of their kind. */

import { isJsonObject } from '../../../proto/api/json.ts';
import type { ExperimentResult } from './run-result.ts';

const KINDS = { Float64Array, Float32Array, Uint32Array, Int32Array } as const;

/** Numbers that JSON doesn't have. */
const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

export function formatResults(results: ExperimentResult): string {
  return `${JSON.stringify(results, (_, value: unknown) => encode(value))}\n`;
}

/** Throws an Error that says what the text is not. */
export function parseResults(text: string): ExperimentResult {
  let value: unknown;
  try {
    value = JSON.parse(text, (_, each: unknown) => decode(each));
  } catch (cause) {
    throw new Error('not JSON', { cause });
  }
  if (!isJsonObject(value) || value.kind !== 'SkiffExperiment' || value.formatVersion !== 1) {
    throw new Error('not the results of an experiment of this version');
  }
  // Written by formatResults, as the kind and the version say.
  return value as unknown as ExperimentResult;
}

function encode(value: unknown): unknown {
  for (const [kind, make] of Object.entries(KINDS)) {
    if (value instanceof make) {
      return {
        $array: kind,
        values: Array.from(value, (one) => (Number.isFinite(one) ? one : String(one))),
      };
    }
  }
  return value;
}

function decode(value: unknown): unknown {
  if (!isJsonObject(value) || typeof value.$array !== 'string') return value;
  const kind = Object.entries(KINDS).find(([name]) => name === value.$array)?.[1];
  if (kind === undefined || !Array.isArray(value.values)) return value;
  return new kind(value.values.map((one) => SPECIAL[String(one)] ?? Number(one)));
}
