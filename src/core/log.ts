/** Structured logs. `src/cli/log.ts` implements this narrow interface. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** For tools and tests without a log. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
