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

/** Whether an answer is a Table: a server may answer the objects instead. */
export function isApiTable(answer: unknown): answer is Table {
  const table = answer as Partial<Table> | null;
  return Array.isArray(table?.columnDefinitions) && Array.isArray(table.rows);
}

export interface TableOptions {
  /** Also the columns of lower priority (`-o wide`). */
  readonly wide: boolean;
  /** A NAMESPACE column first (`-A`). */
  readonly withNamespace: boolean;
  readonly noHeaders?: boolean;
  readonly showLabels?: boolean;
  /** Labels that each have a column (`-L`). */
  readonly labelColumns?: readonly string[];
  /** Put before each name, as `pod/`, where several types are shown. */
  readonly namePrefix?: string;
}

/** The `Accept` header that asks for a Table. */
export const TABLE_ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const GAP = 3;
/** A column and its gap are at least this wide. Source: cli-runtime printers/tabwriter.go, v0.36. */
const COLUMN_MIN = 6;

/** Lines without a trailing newline; an empty table gives only its head. */
export function formatTable(table: Table, options: TableOptions): readonly string[] {
  return alignColumns(tableRows(table, options));
}

function tableRows(table: Table, options: TableOptions): readonly (readonly string[])[] {
  const shown = table.columnDefinitions
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => options.wide || column.priority === 0);
  const labelColumns = options.labelColumns ?? [];
  const head = [
    ...(options.withNamespace ? ['NAMESPACE'] : []),
    ...shown.map(({ column }) => column.name.toUpperCase()),
    ...labelColumns.map((label) => (label.split('/').at(-1) ?? label).toUpperCase()),
    ...(options.showLabels === true ? ['LABELS'] : []),
  ];
  const rows = table.rows.map((row) => [
    ...(options.withNamespace ? [row.object?.metadata?.namespace ?? ''] : []),
    ...shown.map(({ column, index }) => {
      const isName = options.namePrefix !== undefined && column.name.toLowerCase() === 'name';
      return `${isName ? options.namePrefix : ''}${cellText(row.cells[index])}`;
    }),
    ...labelColumns.map((label) => row.object?.metadata?.labels?.[label] ?? '<none>'),
    ...(options.showLabels === true ? [labelsText(row.object?.metadata?.labels)] : []),
  ]);
  return options.noHeaders === true ? rows : [head, ...rows];
}

/** Pads each column to its widest cell, three spaces apart; the last one is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  return padColumns(rows, columnWidths(rows, []));
}

/** The width of each column: its widest cell, or the width it had before. */
function columnWidths(
  rows: readonly (readonly string[])[],
  before: readonly number[],
): readonly number[] {
  const widths = [...before];
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return widths;
}

function padColumns(
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): readonly string[] {
  return rows.map((row) =>
    row
      .map((cell, index) => {
        const width = Math.max((widths[index] ?? 0) + GAP, COLUMN_MIN);
        return index === row.length - 1 ? cell : cell.padEnd(width);
      })
      .join('')
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

/** Prints a table that comes in parts (pages, watch events): the head once, columns kept in line. */
export class TablePrinter {
  readonly #write: (text: string) => void;
  readonly #options: TableOptions;
  #columns: Table['columnDefinitions'] = [];
  #widths: readonly number[] = [];
  #isFresh = true;

  constructor(write: (text: string) => void, options: TableOptions) {
    this.#write = write;
    this.#options = options;
  }

  /** Whether nothing was printed yet. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  /** A part without rows prints nothing. Only the first part needs column definitions. */
  print(table: Table): void {
    if (table.columnDefinitions?.length > 0) this.#columns = table.columnDefinitions;
    if (table.rows.length === 0) return;
    const noHeaders = this.#options.noHeaders === true || !this.#isFresh;
    const whole = { columnDefinitions: this.#columns, rows: table.rows };
    const rows = tableRows(whole, { ...this.#options, noHeaders });
    this.#widths = columnWidths(rows, this.#widths);
    this.#isFresh = false;
    for (const line of padColumns(rows, this.#widths)) this.#write(`${line}\n`);
  }
}
