// Counts of tokens: the count equals the input tokens of the same conversation.

import { describe, expect, test } from "bun:test";
import { type Ask, type DialectName, NoWords, user } from "./conversation.ts";
import { type Cell, CLIENTS, cells, modelOf, type NotSupported, noWords, useStage } from "./matrix.ts";
import { WEATHER } from "./samples.ts";

const stage = useStage();

const ask: Ask = {
  system: ["Be brief."],
  turns: [user("How many tokens is this? 東京 🙂")],
  tools: [WEATHER],
};

/** Whether the provider counts or the gateway estimates. */
type Count = "exact" | "estimated";
const byProvider: Record<Cell["upstream"], Count> = {
  anthropic: "exact",
  gemini: "exact",
  openai: "exact",
  compat: "estimated",
};

const expected: Record<DialectName, Record<Cell["upstream"], Count> | NotSupported> = {
  "openai-chat": noWords("Chat Completions has no endpoint that counts tokens"),
  "openai-responses": byProvider,
  "anthropic-messages": byProvider,
  gemini: byProvider,
};

describe("count tokens", () => {
  for (const cell of cells()) {
    const outcome = expected[cell.dialect];
    const how = "reason" in outcome ? `not supported: ${outcome.reason}` : outcome[cell.upstream];
    test(`H-130, H-132 ${cell.dialect} to ${cell.upstream} (${how})`, async () => {
      const client = CLIENTS[cell.dialect];
      const model = modelOf(cell, {});
      if ("reason" in outcome) {
        expect(() => client.writeCount(ask, model)).toThrow(NoWords);
        return;
      }
      const answer = await stage().ask(client.writeCount(ask, model));
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      const count = client.readCount(JSON.parse(answer.text));
      const isEstimated = outcome[cell.upstream] === "estimated";
      expect(answer.headers.get("x-clewline-estimated")).toBe(isEstimated ? "input_tokens" : null);
      expect(answer.sent.length).toBe(isEstimated ? 0 : 1);
      const { text } = await stage().ask(client.write(ask, model, false));
      const cost = client.readWhole(JSON.parse(text)).usage?.input ?? 0;
      if (isEstimated) expect(count).toBeGreaterThan(cost / 3);
      else expect(count).toBe(cost);
    });
  }
});
