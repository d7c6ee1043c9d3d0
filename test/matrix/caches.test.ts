// Prompt caches: when a conversation grows by a turn, the provider's request begins with the bytes of the
// request before, so that the cache is read.

import { describe, expect, test } from "bun:test";
import { type Ask, type DialectName, model, type Told, type Turn, user } from "./conversation.ts";
import { type Cell, CLIENTS, cells, modelOf, useStage } from "./matrix.ts";
import { CLOCK, WEATHER } from "./samples.ts";
import { SPOKEN } from "./stage.ts";

const stage = useStage();

const RULES = Array.from(
  { length: 160 },
  (_, n) => `Rule ${n + 1}: a rule that is long enough to be cached.`,
).join("\n");
const TURNS = 4;
/** Providers with automatic caches cache in steps of 128 tokens; a part of a token counts as one. */
const SLACK_TOKENS = 160;

/** The member that holds the conversation. */
const HISTORY: Record<DialectName, string> = {
  "openai-chat": "messages",
  "openai-responses": "input",
  "anthropic-messages": "messages",
  gemini: "contents",
};

describe("a conversation that grows", () => {
  for (const cell of cells()) {
    test(`${cell.dialect} to ${cell.upstream}`, () => grow(cell));
  }
});

async function grow(cell: Cell): Promise<void> {
  const client = CLIENTS[cell.dialect];
  const turns: Turn[] = [];
  let before: { readonly told: Told; readonly body: string } | null = null;
  for (let n = 1; n <= TURNS; n++) {
    turns.push(user(`Question ${n} of ${cell.dialect}: what follows?`));
    const ask: Ask = { system: [RULES], turns, tools: [WEATHER, CLOCK], caches: true };
    const answer = await stage().ask(client.write(ask, modelOf(cell, { words: "calls=0" }), n % 2 === 0));
    const told = n % 2 === 0 ? client.readStream(answer.text) : client.readWhole(JSON.parse(answer.text));
    expect(told.trouble).toBeNull();
    const body = withoutMarks(answer.sent.at(-1)?.body ?? "");
    if (before !== null) {
      const history = HISTORY[SPOKEN[cell.upstream]];
      expect(body).toStartWith(prefixOf(before.body, history));
      const input = before.told.usage?.input ?? 0;
      expect(input).toBeGreaterThan(1_500);
      expect(told.usage?.cached).toBeGreaterThanOrEqual(input - SLACK_TOKENS);
    }
    before = { told, body };
    turns.push(model(told));
  }
}

/** Marks move from turn to turn, and the cached text does not include them. */
function withoutMarks(body: string): string {
  const marks = /,"cache_control":\{[^}]*\}|"cache_control":\{[^}]*\},?|,"stream":true|"stream":true,?/g;
  return body.replace(marks, "");
}

/** The body up to the end of the last turn. */
function prefixOf(body: string, history: string): string {
  const turns = (JSON.parse(body) as Record<string, unknown[]>)[history] ?? [];
  const last = JSON.stringify(turns.at(-1));
  const at = body.lastIndexOf(last);
  expect(at).toBeGreaterThan(0);
  return body.slice(0, at + last.length);
}
