/** Comma-separated values with a header, as RFC 4180 has them; one row a line, no line breaks in cells. */

export type CsvRow = Readonly<Record<string, string>>;

export interface Csv {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/** Throws an Error that names the line of a row with another number of cells than the header. */
export function parseCsv(text: string): Csv {
  const lines = text.split(/\r?\n/);
  const columns = cellsOf(lines[0] ?? '').map((name) => name.trim());
  const rows: CsvRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === '') continue;
    const cells = line.includes('"') ? cellsOf(line) : line.split(',');
    if (cells.length !== columns.length) {
      throw new Error(`line ${index + 1} has ${cells.length} cells, the header ${columns.length}`);
    }
    const row: Record<string, string> = {};
    for (const [at, name] of columns.entries()) row[name] = cells[at] ?? '';
    rows.push(row);
  }
  return { columns, rows };
}

function cellsOf(line: string): string[] {
  const cells: string[] = [];
  for (const [, quoted, plain = ''] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
  }
  return cells;
}
