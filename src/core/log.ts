/** Structured logs: the narrow interface that the rooms use. `app.ts` gives it a kept library (pino). */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Says nothing; for tools and tests that have no log. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
