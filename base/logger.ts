/**
 * Structured logs: one JSON object a line on the given stream, with time, level, component,
 * message and the given fields. Messages are constant, capitalised, in the past tense, without a
 * period, and name the kind of the object: `logger.info('Bound pod', { pod, node })`.
 */

import { type Clock, isoTime } from './clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface LoggerOptions {
  readonly component: string;
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

/** Returns a logger that writes one line a call. An `Error` field is written with its causes. */
export function newLogger(options: LoggerOptions, bound: LogFields = {}): Logger {
  const threshold = LEVELS.indexOf(options.level);
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (LEVELS.indexOf(level) < threshold) return;
    const time = isoTime(options.clock.wallMs());
    const line = { time, level, component: options.component, message, ...bound, ...fields };
    options.write(`${JSON.stringify(line, printable)}\n`);
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    with: (fields) => newLogger(options, { ...bound, ...fields }),
  };
}

/** A logger that drops everything; for tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentLogger,
};

function printable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  return { error: value.message, stack: value.stack, cause: value.cause };
}
