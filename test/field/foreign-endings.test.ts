import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Ending } from "../matrix/conversation.ts";
import {
  type AnswerStage,
  CLIENT_DIALECTS,
  chunkOf,
  completionOf,
  DONE,
  lastChunk,
  type Spoken,
  startAnswerStage,
} from "./answer-stage.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/foreign-endings.ts";

const USAGE = { usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } };
const TEXT = "Hi there";

const REPORTED = ["STOP", "MAX_TOKENS", "end_turn", "model_context_window_exceeded"];
const ENDINGS: Readonly<Record<string, Ending>> = {
  STOP: "end",
  MAX_TOKENS: "length",
  LENGTH: "length",
  end_turn: "end",
  max_tokens: "length",
  max_output_tokens: "length",
  model_context_window_exceeded: "length",
  stop_sequence: "end",
  tool_use: "end",
  COMPLETE: "end",
  eos: "end",
  SAFETY: "refusal",
  RECITATION: "refusal",
  PROHIBITED_CONTENT: "refusal",
  refusal: "refusal",
  content_filtered: "refusal",
  CONTENT_FILTER: "refusal",
  guardrail_intervened: "refusal",
  null: "end",
};
const FAILURES = ["ERROR", "abort", "TIMEOUT", "network_error", "insufficient_system_resource"];

function saying(finish: string, before: unknown = null): Spoken {
  return {
    whole: completionOf({ content: TEXT }, finish, USAGE),
    pieces: [
      chunkOf({ role: "assistant", content: "Hi " }, before),
      chunkOf({ content: "there" }, before),
      chunkOf({}, finish),
      lastChunk(USAGE),
      DONE,
    ],
  };
}

describeKind(kind, () => {
  let stage: AnswerStage;
  beforeAll(async () => {
    stage = await startAnswerStage();
  });
  afterAll(() => stage.close());

  for (const [word, ending] of Object.entries(ENDINGS)) {
    test(`${REPORTED.includes(word) ? "reported: " : ""}"${word}" is ${ending}, for clients of every dialect`, async () => {
      for (const dialect of CLIENT_DIALECTS) {
        for (const isStream of [false, true]) {
          const { told, row, asked } = await stage.hear(dialect, isStream, saying(word));
          expect({ dialect, asked, outcome: row.outcome, tokens: row.output_tokens }).toEqual({
            dialect,
            asked: 1,
            outcome: "ok",
            tokens: 20,
          });
          if (told !== null) expect({ dialect, told }).toMatchObject({ told: { text: TEXT, ending } });
        }
      }
    });
  }

  for (const word of FAILURES) {
    test(`"${word}" is a failure, relayed too: no row says that all is well`, async () => {
      for (const dialect of CLIENT_DIALECTS) {
        for (const isStream of [false, true]) {
          const { told, row, status } = await stage.hear(dialect, isStream, saying(word));
          expect({ dialect, outcome: row.outcome }).toEqual({ dialect, outcome: "error" });
          if (!isStream) expect(status).toBeGreaterThanOrEqual(500);
          else if (told !== null) expect(told.trouble).not.toBeNull();
        }
      }
    });
  }

  for (const nothing of ["", "null"]) {
    test(`reported: "${nothing}" in every piece: the answer goes on, and one that breaks off is no answer`, async () => {
      const whole = saying("stop", nothing);
      const cut = { ...whole, pieces: whole.pieces.slice(0, 2) };
      for (const dialect of CLIENT_DIALECTS) {
        const good = await stage.hear(dialect, true, whole);
        expect({ dialect, outcome: good.row.outcome }).toEqual({ dialect, outcome: "ok" });
        if (good.told !== null) expect(good.told).toMatchObject({ text: TEXT, ending: "end" });
        const bad = await stage.hear(dialect, true, cut);
        expect({ dialect, outcome: bad.row.outcome }).toEqual({ dialect, outcome: "upstream_cut" });
      }
    });
  }
});
