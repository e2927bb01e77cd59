/**
 * What a cloned child tells its parent over a pipe that closes when it executes a program:
 *
 *   `terminal FD`  it opened a pseudo-terminal: take the fd, then answer one byte
 *   `sibling PID`  it made another child of its parent's, which goes on in its place; answer that one
 *   `ready`        everything is built: put it into its cgroups, write down who it is, then answer
 *   `exec`         nothing but execve is left
 *   `failed {…}`   it gives up, and why
 *
 * a line each. The end of the pipe after `exec` means that the program runs; the end before it, that
 * the child died of being a clone, and that another one may be tried.
 */

export type ChildLine =
  | { readonly kind: 'terminal'; readonly fd: number }
  | { readonly kind: 'sibling'; readonly pid: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'exec' }
  | { readonly kind: 'failed'; readonly message: string };

/** Throws when it is not a line of a child. */
export function parseChildLine(line: string): ChildLine {
  const [word, rest = ''] = [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)];
  switch (word) {
    case 'terminal':
      return { kind: 'terminal', fd: Number(rest) };
    case 'sibling':
      return { kind: 'sibling', pid: Number(rest) };
    case 'ready':
    case 'exec':
      return { kind: word };
    case 'failed':
      return { kind: 'failed', message: String(JSON.parse(rest)) };
    default:
      throw new Error(`A child said ${JSON.stringify(line)}`);
  }
}

export function formatChildLine(line: ChildLine): string {
  switch (line.kind) {
    case 'terminal':
      return `terminal ${line.fd}\n`;
    case 'sibling':
      return `sibling ${line.pid}\n`;
    case 'ready':
    case 'exec':
      return `${line.kind}\n`;
    case 'failed':
      return `failed ${JSON.stringify(line.message)}\n`;
  }
}
