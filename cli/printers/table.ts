/** Prints a `Table` answer of the API server as kubectl does: aligned columns, upper-case heads. */

/** The part of meta.k8s.io/v1 Table that is printed. */
export interface Table {
  readonly columnDefinitions: readonly {
    readonly name: string;
    readonly type: string;
    readonly priority: number;
  }[];
  readonly rows: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: TableMetadata };
  }[];
}

interface TableMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface TableOptions {
  /** Also the columns of lower priority (`-o wide`). */
  readonly wide: boolean;
  /** A NAMESPACE column first (`-A`). */
  readonly withNamespace: boolean;
  readonly noHeaders?: boolean;
  readonly showLabels?: boolean;
}

/** The `Accept` header that asks for a Table. */
export const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const GAP = '   ';

/** Lines without a trailing newline; an empty table gives only its head. */
export function formatTable(table: Table, options: TableOptions): readonly string[] {
  const shown = table.columnDefinitions
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => options.wide || column.priority === 0);
  const head = [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...shown.map(({ column }) => column.name.toUpperCase()),
    ...(options.showLabels === true ? ['LABELS'] : []),
  ];
  const rows = table.rows.map((row) => [
    ...(options.withNamespace ? [row.object?.metadata?.namespace ?? ''] : []),
    ...shown.map(({ index }) => cellText(row.cells[index])),
    ...(options.showLabels === true ? [labelsText(row.object?.metadata?.labels)] : []),
  ]);
  return alignColumns(options.noHeaders === true ? rows : [head, ...rows]);
}

/** Pads each column to its widest cell, three spaces apart; the last one is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join(GAP)
      .trimEnd(),
  );
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>';
  // A line break in a cell would break the table apart.
  return String(cell).replaceAll('\n', '\\n');
}

function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const texts = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? '<none>' : texts.sort().join(',');
}
