/** The log on standard error: lines for people on a terminal, JSON lines elsewhere. */
import type { LogWriter } from "../app/log-writer.ts";
import { visibleText } from "../app/visible-text.ts";
import type { Log, LogFields } from "../core/log.ts";
import type { RequestLine, WriteRequestLine } from "../core/request-lines/request-lines.ts";
import { OUTCOME_WORDS, requestText } from "./request-text.ts";

type Level = "debug" | "info" | "warn" | "error";

export interface ProcessLog {
  readonly log: Log;
  readonly writeRequest: WriteRequestLine;
}

const RANKS: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Each line is written before the call returns, if it can be without waiting. The form is pino's. */
export function makeLog(level: Level, nowMs: () => number, { write }: Pick<LogWriter, "write">): ProcessLog {
  const writeLine = (of: Level, fields: object, msg: string): void => {
    if (RANKS[of] < RANKS[level]) return;
    write(`${JSON.stringify({ level: of, time: new Date(nowMs()).toISOString(), ...fields, msg })}\n`);
  };
  const line =
    (of: Level) =>
    (fields: LogFields, message: string): void =>
      writeLine(of, fields, message);
  return {
    log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
    writeRequest: (request, times) =>
      writeLine(levelOf(request), { ...request, times: times > 1 ? times : undefined }, "request"),
  };
}

export interface TerminalOptions {
  readonly level: Level;
  readonly hasColor: boolean;
  readonly nowMs: () => number;
}

const GREEN = 32;
const YELLOW = 33;
const RED = 31;
const DIM = 2;
const LEVEL_COLORS: Readonly<Record<Level, number>> = { debug: DIM, info: DIM, warn: YELLOW, error: RED };

/** The same for people: the time of day, a word, the message, and the fields behind it. */
export function makeTerminalLog({ level, hasColor, nowMs }: TerminalOptions, writer: LogWriter): ProcessLog {
  const paint = (color: number, text: string): string =>
    hasColor ? `\u001b[${color}m${onOneLine(text)}\u001b[0m` : onOneLine(text);
  const write = (text: string): void =>
    writer.writeVisible(`${paint(DIM, new Date(nowMs()).toTimeString().slice(0, 8))}  ${text}\n`);
  const line =
    (of: Level) =>
    (fields: LogFields, message: string): void => {
      if (RANKS[of] < RANKS[level]) return;
      const text = `${message}${fieldsText(fields, message)}`;
      write(`${paint(LEVEL_COLORS[of], of.padEnd(5))}  ${onOneLine(text)}`);
    };
  return {
    log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
    writeRequest: (request, times) => {
      if (RANKS[levelOf(request)] < RANKS[level]) return;
      const word = OUTCOME_WORDS[request.outcome];
      const [before = "", after = ""] = splitAt(requestText(request, times), word);
      write(`${paint(colorOf(request), before)}${onOneLine(after)}`);
    },
  };
}

/** A client chooses some of the words, and must not write lines of its own. */
function onOneLine(text: string): string {
  return visibleText(text).replaceAll("\r", "\\r").replaceAll("\n", "\\n");
}

/** A reader of an operator's log filters by level; what a client does wrong is nothing to wake up for. */
function levelOf({ outcome, status }: RequestLine): Level {
  return outcome === "ok" || outcome === "client_left" ? "info" : status >= 500 ? "warn" : "info";
}

function colorOf({ outcome, status }: RequestLine): number {
  if (outcome === "ok") return GREEN;
  return outcome === "client_left" || (outcome === "refused" && status < 500) ? YELLOW : RED;
}

/** The text up to the end of the word, and the rest. */
function splitAt(text: string, word: string): readonly string[] {
  const end = text.indexOf(word) + word.length;
  return [text.slice(0, end), text.slice(end)];
}

/** The fields that the message does not name already. */
function fieldsText(fields: LogFields, message: string): string {
  const told = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && !message.includes(String(value)),
  );
  if (told.length === 0) return "";
  return `  (${told.map(([name, value]) => `${name} ${valueText(value)}`).join(", ")})`;
}

/** One line, whatever the text. */
function valueText(value: LogFields[string]): string {
  const text = String(value);
  return /[\n"]/.test(text) ? JSON.stringify(text) : text;
}
