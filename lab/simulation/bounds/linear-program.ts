/**
 * Linear programs by HiGHS (compiled to WebAssembly; one thread, so the same program gives the same
 * numbers). The solver is not trusted: the bound is worked out anew from the dual prices that it gives,
 * and any prices of the right sign give a true bound (weak duality), however roughly they were found.
 */

import highsModule, { type Highs } from 'highs';

/** maximize Σ objective·x, where each row's Σ coefficients·x <= limit and 0 <= x <= upper. */
export interface LinearProgram {
  readonly objective: readonly number[];
  /** Largest value of each variable; finite. */
  readonly upper: readonly number[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly limit: number;
  readonly variables: readonly number[];
  readonly coefficients: readonly number[];
}

export interface Maximum {
  /** No solution has more, up to rounding of this sum. */
  readonly bound: number;
  /** A solution that the solver found, and what it reaches. */
  readonly values: readonly number[];
  readonly reached: number;
}

/** More is refused, so that memory (about 200 bytes each) and time (seconds) stay within bounds. */
export const NON_ZEROS_MAX = 4_000_000;

/** The package's types describe its CommonJS form; what ES modules import by default is the loader. */
const loadHighs = highsModule as unknown as typeof highsModule.default;

let runtime: Promise<Highs> | undefined;

/** Throws a RangeError when the program is too large, an Error when it has no solution. */
export async function maximize(program: LinearProgram): Promise<Maximum> {
  if (program.objective.length === 0) return { bound: 0, values: [], reached: 0 };
  const nonZeros = program.rows.reduce((sum, row) => sum + row.variables.length, 0);
  if (nonZeros > NON_ZEROS_MAX) {
    throw new RangeError(`The linear program has ${nonZeros} non-zeros, ${NON_ZEROS_MAX} at most`);
  }
  runtime ??= loadHighs();
  const highs = await runtime;
  return highs.withModel((model) => {
    model.options.set({ output_flag: false, random_seed: 0 });
    model.passModel({
      ...modelOf(program, highs.infinity),
      sense: highs.constants.objectiveSense.maximize,
    });
    model.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) {
      throw new Error(`The linear program was not solved: status ${model.getModelStatus()}`);
    }
    const { colValue, rowDual } = model.getSolution();
    const values = [...colValue];
    return {
      bound: dualBound(program, rowDual),
      values,
      reached: program.objective.reduce((sum, value, i) => sum + value * (values[i] ?? 0), 0),
    };
  });
}

function modelOf(program: LinearProgram, infinity: number) {
  const numCols = program.objective.length;
  const numRows = program.rows.length;
  const starts = [0];
  for (const row of program.rows) starts.push((starts.at(-1) ?? 0) + row.variables.length);
  return {
    numCols,
    numRows,
    colCost: program.objective,
    colLower: new Float64Array(numCols),
    colUpper: program.upper,
    rowLower: new Float64Array(numRows).fill(-infinity),
    rowUpper: program.rows.map(({ limit }) => limit),
    matrix: {
      format: 'csr' as const,
      numRows,
      numCols,
      starts,
      indices: program.rows.flatMap(({ variables }) => variables),
      values: program.rows.flatMap(({ coefficients }) => coefficients),
    },
  };
}

/** Σ price·limit + Σ upper·(what is left of the objective), with prices that are not negative. */
function dualBound(program: LinearProgram, prices: Float64Array): number {
  const left = [...program.objective];
  let bound = 0;
  for (const [index, row] of program.rows.entries()) {
    const price = Math.max(0, prices[index] ?? 0);
    if (price === 0) continue;
    bound += price * row.limit;
    for (const [at, variable] of row.variables.entries()) {
      left[variable] = (left[variable] ?? 0) - price * (row.coefficients[at] ?? 0);
    }
  }
  for (const [variable, value] of left.entries()) {
    if (value > 0) bound += value * (program.upper[variable] ?? 0);
  }
  return bound;
}
