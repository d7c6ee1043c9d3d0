/** The log as JSON lines on standard error, by pino. */
import pino from "pino";
import type { Log } from "../core/log.ts";

/**
 * `sync` writes each line before the call returns: there are few lines, and none may be lost when the process
 * dies.
 */
export function makeLog(level: "debug" | "info" | "warn" | "error"): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
