import { expect, test } from "bun:test";
import type { LogWriter } from "../app/log-writer.ts";
import type { RequestLine } from "../core/request-lines/request-lines.ts";
import { makeTerminalLog } from "./log.ts";

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
