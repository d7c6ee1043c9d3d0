/** The log as JSON lines on standard error, by pino. */
import pino from "pino";
import type { LogWriter } from "../app/log-writer.ts";
import type { Log } from "../core/log.ts";

/** Each line is written before the call returns, if it can be without waiting. */
export function makeLog(level: "debug" | "info" | "warn" | "error", writer: LogWriter): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    writer,
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
