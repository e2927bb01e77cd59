/**
 * Flags of a component's process. A command line that cannot be read is answered as everywhere on
 * Unix: one line on standard error, exit code 2. What the flags mean is left to each `main.ts`.
 */

/** What `parse` returns; when it throws (an unknown flag, a missing value), the process ends. */
export function parsedOrUsage<T>(component: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    process.stderr.write(`skiff ${component}: ${problem}\n`);
    process.exit(2);
  }
}
