/**
 * How long processes of a cgroup had to wait for CPU, memory or I/O. Pure.
 *
 * Source: Documentation/accounting/psi.rst of Linux 6.12.
 */

export interface Pressure {
  /** At least one process waited. */
  readonly some?: PressureTimes;
  /** All of them waited at once. */
  readonly full?: PressureTimes;
}

export interface PressureTimes {
  /** Percent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** All told. */
  readonly totalNs: number;
}

const NS_PER_US = 1_000;

/** The text of `cpu.pressure` and so on; what is not there, or not understood, is absent. */
export function parsePressure(text: string): Pressure {
  const some = timesOf(text, 'some');
  const full = timesOf(text, 'full');
  return { ...(some && { some }), ...(full && { full }) };
}

function timesOf(text: string, kind: string): PressureTimes | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${kind} `));
  if (line === undefined) return undefined;
  const values = new Map(
    line.split(' ').map((word) => {
      const [name = '', value = ''] = word.split('=');
      return [name, Number(value)];
    }),
  );
  const of = (name: string): number => values.get(name) ?? Number.NaN;
  const times = { avg10: of('avg10'), avg60: of('avg60'), avg300: of('avg300') };
  const totalNs = of('total') * NS_PER_US;
  return Object.values({ ...times, totalNs }).some(Number.isNaN)
    ? undefined
    : { ...times, totalNs };
}
