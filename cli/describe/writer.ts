/** Lines of a description: `Name:   value`, indented, with values in one column. */

const INDENT = '  ';
const COLUMN = 18;

/** Collects the lines of a description in their order. */
export class DescriptionWriter {
  readonly #lines: string[] = [];
  readonly #level: number;

  constructor(lines: string[] = [], level = 0) {
    this.#lines = lines;
    this.#level = level;
  }

  /** `Label:    value`; nothing for an undefined value. */
  line(label: string, value: string | number | boolean | undefined): void {
    if (value === undefined) return;
    const head = `${INDENT.repeat(this.#level)}${label}:`;
    this.#lines.push(`${head.padEnd(COLUMN)} ${value}`.trimEnd());
  }

  /** `Label:` and below it, indented, what the function writes. */
  section(label: string, write: (writer: DescriptionWriter) => void): void {
    this.#lines.push(`${INDENT.repeat(this.#level)}${label}:`);
    write(new DescriptionWriter(this.#lines, this.#level + 1));
  }

  /** A map, a pair a line, the label before the first; `<none>` when it is empty. */
  map(label: string, map: Readonly<Record<string, string>> | undefined, separator = '='): void {
    const pairs = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    if (pairs.length === 0) this.line(label, '<none>');
    pairs.forEach(([key, value], index) => {
      if (index === 0) this.line(label, `${key}${separator}${value}`);
      else this.text(`${''.padEnd(COLUMN)} ${key}${separator}${value}`);
    });
  }

  /** Lines of a table, indented. */
  rows(lines: readonly string[]): void {
    for (const line of lines) this.text(`${INDENT.repeat(this.#level)}${line}`);
  }

  text(line: string): void {
    this.#lines.push(line.trimEnd());
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
