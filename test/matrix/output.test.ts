// Answers other than plain text: JSON of a schema, text with citations of a web search, a refusal.

import { expect } from "bun:test";
import { type Ask, type Cited, user } from "./conversation.ts";
import { matrix, notSupported, type Seen, testLedger, useStage } from "./matrix.ts";
import { REFUSAL } from "./samples.ts";

useStage();

const VERDICT = {
  type: "object",
  properties: {
    verdict: { type: "string", enum: ["good", "bad"] },
    reasons: { type: "array", items: { type: "string" } },
    score: { type: "number" },
  },
  required: ["verdict", "reasons", "score"],
  additionalProperties: false,
};

const judged: Seen = { text: '{"verdict":"good","reasons":[],"score":1}', ending: "end", calls: [] };

matrix("structured output", {
  asks: [() => ({ turns: [user("Judge it.")], schema: VERDICT })],
  expected: {
    "openai-chat": judged,
    "openai-responses": judged,
    "anthropic-messages": judged,
    gemini: judged,
  },
  sent(sent) {
    // The request has the schema, not only a wish for JSON.
    expect(sent.at(-1)?.body).toContain('"enum":["good","bad"]');
  },
});

const search = (): Ask => ({ turns: [user("Look it up.")], searches: true });
const SAID = "Nothing comes first. Then café facts follow. In between, prose. Facts of 東京 🙂 end it.";
const FOUND: readonly Cited[] = [
  { url: "https://example.com/simulated", title: "The simulated page", text: "Then café facts follow." },
  { url: "https://example.org/caf%C3%A9?q=1", title: "Café in 東京", text: "Facts of 東京 🙂 end it." },
];
const cited: Seen = { text: SAID, citations: FOUND, ending: "end", calls: [] };
/** A compatible server searches by the options of its own dialect only. */
const nobody = (field: RegExp) => notSupported("a compatible server is not known to search", field);

matrix("H-141, H-142 web search and citations", {
  words: `cites,says=${SAID.replaceAll(",", "%2C")}`,
  asks: [search],
  expected: {
    "openai-chat": cited,
    "openai-responses": { anthropic: cited, gemini: cited, openai: cited, compat: nobody(/tools\[0\]/) },
    "anthropic-messages": { anthropic: cited, gemini: cited, openai: cited, compat: nobody(/tools\[0\]/) },
    gemini: { anthropic: cited, gemini: cited, openai: cited, compat: nobody(/tools\[0\]/) },
  },
});

const inText: Seen = { text: REFUSAL, ending: "refusal", calls: [] };
const apart: Seen = { text: "", refusal: REFUSAL, ending: "refusal", calls: [] };
/**
 * Claude and Gemini refuse in the text, OpenAI in a field of its own; a client sees a refusal where its
 * dialect has a place for it.
 */
const byMaker = { anthropic: inText, gemini: inText, openai: apart, compat: apart };

matrix("H-137 refusal in the middle", {
  words: "refuses",
  asks: [() => ({ turns: [user("Do it.")] })],
  expected: {
    "openai-chat": byMaker,
    "openai-responses": byMaker,
    "anthropic-messages": inText,
    gemini: byMaker,
  },
});

const silent: Seen = { ending: "refusal", text: "", calls: [] };

matrix("H-137 refusal without content", {
  words: "refuses=empty",
  asks: [() => ({ turns: [user("Do it.")] })],
  expected: {
    "openai-chat": silent,
    "openai-responses": silent,
    "anthropic-messages": silent,
    gemini: silent,
  },
});

matrix("H-137 a prompt that is blocked", {
  words: "blocks",
  asks: [() => ({ turns: [user("Do it.")] })],
  expected: {
    "openai-chat": silent,
    "openai-responses": silent,
    "anthropic-messages": silent,
    gemini: silent,
  },
});

testLedger();
