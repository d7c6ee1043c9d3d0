import { expect, test } from "bun:test";
import fc from "fast-check";
import pino from "pino";
import type { LogWriter } from "../app/log-writer.ts";
import type { RequestLine } from "../core/request-lines/request-lines.ts";
import { makeLog, makeTerminalLog } from "./log.ts";

const HOSTILE = "x\r\n10:00:00  200 ok  admin\u001b[2J\u009b\u202e";
const REQUEST: RequestLine = {
  requestId: HOSTILE,
  status: 200,
  outcome: "ok",
  errorKind: null,
  reason: HOSTILE,
  key: HOSTILE,
  asked: HOSTILE,
  model: `up/${HOSTILE}`,
  credential: "main",
  failed: [HOSTILE],
  inputTokens: 1,
  outputTokens: 1,
  costNanoUsd: null,
  durationMs: 1,
};

test("whatever words a client has chosen, a terminal gets one line, and nothing that it obeys", () => {
  let written = "";
  const writer = { writeVisible: (text: string) => (written += text) } as unknown as LogWriter;
  const { log, writeRequest } = makeTerminalLog({ level: "info", hasColor: false, nowMs: () => 0 }, writer);
  writeRequest(REQUEST, 1);
  writeRequest({ ...REQUEST, outcome: "refused", status: 404 }, 3);
  log.warn({ model: HOSTILE, [HOSTILE]: 1 }, HOSTILE);
  expect(written.split("\n")).toHaveLength(4);
  expect(written).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
});

test("a JSON line is the one that pino would write, whatever its fields and words are", () => {
  const atMs = Date.UTC(2026, 10, 30, 12, 0, 0, 7);
  const levels = ["debug", "info", "warn", "error"] as const;
  const field = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
  );
  const name = fc.string().filter((text) => !["level", "time", "msg", "err", "__proto__"].includes(text));
  fc.assert(
    fc.property(
      fc.constantFrom(...levels),
      fc.constantFrom(...levels),
      fc.dictionary(name, field),
      fc.string({ unit: "binary" }),
      (least, level, fields, message) => {
        const written: string[] = [];
        const wanted: string[] = [];
        makeLog(least, () => atMs, { write: (line) => void written.push(line) }).log[level](fields, message);
        const logger = pino(
          {
            level: least,
            base: null,
            timestamp: () => `,"time":"${new Date(atMs).toISOString()}"`,
            formatters: { level: (label) => ({ level: label }) },
          },
          { write: (line) => void wanted.push(line) },
        );
        logger[level](fields, message);
        expect(written.map((line) => JSON.parse(line))).toEqual(wanted.map((line) => JSON.parse(line)));
        expect(written.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(
          true,
        );
      },
    ),
  );
});
