/** The event log: JSON lines on standard output, one event a line, fields instead of sentences. */
import pino from 'pino';
import { visibleJson } from '../lib/visible-json.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

type Method = 'debug' | 'info' | 'warn' | 'error';

type Fields = Readonly<Record<string, unknown>>;

/** Writes events. `event` is a fixed snake_case name; everything that varies goes into fields. */
export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  setLevel(level: LogLevel): void;
}

/** Where lines go; anything with a `write`, so that tests can listen. */
export interface LineSink {
  write(line: string): void;
}

export function createLog(level: LogLevel, sink: LineSink): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => sink.write(visibleJson(line)) },
  );
  const at =
    (method: Method) =>
    (event: string, fields: Fields = {}): void =>
      logger[method]({ event, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}

/** An error as a field: its message and those of its causes, each once, no stack. */
export function errorField(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = messageOf(error);
  if (error.cause === undefined) return text;
  const cause = errorField(error.cause);
  return text.includes(cause) ? text : `${text} (${cause})`;
}

function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  // `localhost` may be two addresses: a failed connection is then one error without text for both.
  return error instanceof AggregateError ? error.errors.map(errorField).join('; ') : error.name;
}
