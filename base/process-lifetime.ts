/**
 * The life of a component's process: it runs until SIGTERM or SIGINT, then closes what it opened.
 * Entry points (`main.ts`) call this and nothing else does.
 */

import { flushCompileCache } from 'node:module';
import { systemClock } from './clock.ts';
import { type Logger, type LogLevel, newLogger } from './logger.ts';

export interface ProcessContext {
  /** Aborted at the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** By then a component has loaded what it needs, and others have had the processor to start. */
const FLUSH_AFTER_MS = 3_000;

/**
 * Runs a component until it returns. A failure is logged once and ends the process with code 1;
 * a second signal ends it at once. Logs go to standard error.
 */
export async function runProcess(
  component: string,
  level: LogLevel,
  run: (context: ProcessContext) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
    });
  }
  const write = (line: string): void => void process.stderr.write(line);
  const logger = newLogger({ component, level, clock: systemClock, write });
  // A process that is killed would never write what it has compiled, and start slowly ever after.
  const cancelFlush = systemClock.schedule(FLUSH_AFTER_MS, flushCompileCache);
  try {
    await run({ signal: controller.signal, logger });
  } catch (error) {
    logger.error('Ended with a failure', { error });
    process.exitCode = 1;
  } finally {
    cancelFlush();
  }
}

/**
 * Lets a command go on when nobody reads its output any more (`skiff down | head`): what it does
 * matters more than what it says. Without this the first write after that would end the process.
 */
export function ignoreBrokenPipe(streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
