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

/** An answer of a server of Messages. */
function messagesSaying(stop_reason: string): Spoken {
  const head = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null };
  const usage = { input_tokens: 100, output_tokens: 20 };
  const events = [
    { type: "message_start", message: { ...head, content: [], stop_reason: null, usage } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TEXT } },
    { type: "content_block_stop", index: 0 },
    // Zeros in place of further counts.
    {
      type: "message_delta",
      delta: { stop_reason, stop_sequence: null },
      usage: { input_tokens: 0, output_tokens: 20 },
    },
    { type: "message_stop" },
  ];
  return {
    whole: { ...head, content: [{ type: "text", text: TEXT }], stop_reason, usage },
    pieces: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  };
}

/** An answer of a server of Gemini's dialect. */
function geminiSaying(finishReason: string): Spoken {
  const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 };
  const content = { role: "model", parts: [{ text: TEXT }] };
  const whole = { candidates: [{ content, finishReason, index: 0 }], usageMetadata, modelVersion: "m" };
  return { whole, pieces: [`data: ${JSON.stringify(whole)}\n\n`] };
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

  const OTHERS = { messages: messagesSaying, gemini: geminiSaying } as const;
  for (const [upstream, speak] of Object.entries(OTHERS)) {
    test(`the same words from servers of ${upstream === "messages" ? "Messages" : "Gemini's dialect"}`, async () => {
      for (const [word, ending] of Object.entries({ ...ENDINGS, stop: "end", length: "length" } as const)) {
        const dialect = upstream === "messages" ? "gemini" : "anthropic-messages";
        for (const isStream of [false, true]) {
          const { told, row } = await stage.hear(
            dialect,
            isStream,
            speak(word),
            upstream as keyof typeof OTHERS,
          );
          expect({ word, row, told }).toMatchObject({
            word,
            row: { outcome: "ok", input_tokens: 100, output_tokens: 20 },
            told: { text: TEXT, ending },
          });
        }
      }
    });
  }

  test("Gemini's word for no reason: an answer that breaks off behind it is no answer, relayed too", async () => {
    for (const dialect of CLIENT_DIALECTS) {
      const { row } = await stage.hear(dialect, true, geminiSaying("FINISH_REASON_UNSPECIFIED"), "gemini");
      expect({ dialect, outcome: row.outcome }).toEqual({ dialect, outcome: "upstream_cut" });
    }
  });

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
