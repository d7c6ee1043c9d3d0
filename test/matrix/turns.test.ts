// Answers of an unusual build, and answers that take several requests: a client sees one answer of its
// dialect.

import { expect } from "bun:test";
import { type Ask, model, type Result, say, type Told, user } from "./conversation.ts";
import { type Cell, matrix, notSupported, type Scenario, type Seen, testLedger, useStage } from "./matrix.ts";
import { CLOCK, echoOf, WEATHER, WEATHER_ARGS } from "./samples.ts";

useStage();

const THOUGHTS =
  "The question is read first. Then the tools are looked over. An echo of the last words will do as an answer." +
  "On second thought, there is more to say.";
const thinking = (words: string): NonNullable<Scenario["words"]> => ({
  anthropic: words,
  gemini: words,
  openai: words,
  compat: `thinks,${words}`,
});

const mixed = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it."),
  reasoning: THOUGHTS,
  ending: "end",
});

matrix("H-54 thinking, text, thinking, text", {
  words: thinking("interleaves"),
  asks: [() => ({ turns: [user("Think about it.")], thinks: true })],
  expected: { "openai-chat": mixed, "openai-responses": mixed, "anthropic-messages": mixed, gemini: mixed },
});

const withTools = (): Ask => ({ turns: [user("Think about it.")], tools: [WEATHER, CLOCK], thinks: true });
const results = ({ calls }: Told): Result[] =>
  calls.map((call, index) => ({ call, content: [say(`result ${index + 1}`)] }));
const looped = (told: readonly Told[]): Ask => ({
  ...withTools(),
  turns: [
    ...withTools().turns,
    ...told.flatMap((one) => [model(one), { by: "tools", results: results(one) } as const]),
  ],
});
const broken = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it."),
  reasoning: THOUGHTS,
  calls: [
    { name: "get_weather", args: WEATHER_ARGS },
    { name: "get_time", args: {} },
  ],
  ending: "calls",
});

matrix("a call, thinking and text, another call", {
  words: thinking("interleaves,calls=2"),
  asks: [withTools],
  expected: {
    "openai-chat": broken,
    "openai-responses": broken,
    "anthropic-messages": broken,
    gemini: broken,
  },
});

const concluded = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it.", ["result 1", "result 2"]),
  ending: "end",
});

matrix("the same, given back with its results", {
  words: thinking("interleaves,calls=2"),
  asks: [withTools, looped],
  expected: {
    "openai-chat": concluded,
    "openai-responses": concluded,
    "anthropic-messages": concluded,
    gemini: concluded,
  },
});

const search = (): Ask => ({ turns: [user("Look it up.")], searches: true });
const noSearch = notSupported("a compatible server is not known to search", /tools\[0\]/);
const SAID = "Nothing comes first. Then café facts follow. In between prose. Facts of 東京 🙂 end it.";
const followed: Seen = { text: SAID, ending: "end" };
const ifItSearches = ({ upstream }: Cell) => (upstream === "compat" ? noSearch : followed);

matrix("citations are given back", {
  words: `cites,says=${SAID}`,
  asks: [
    search,
    ([first]) => ({ ...search(), turns: [...search().turns, model(first as Told), user("And more?")] }),
  ],
  expected: {
    "openai-chat": followed,
    "openai-responses": ifItSearches,
    "anthropic-messages": ifItSearches,
    gemini: ifItSearches,
  },
});

/** Claude pauses, Gemini continues by a token: the gateway asks again and adds up the counts. */
const parts: NonNullable<Scenario["words"]> = {
  anthropic: "pauses=1,says=And there it is.",
  gemini: "continues=2,says=One part of it. Another part of it. The end of it.",
  openai: "says=And there it is.",
  compat: "says=And there it is.",
};
const inOne = ({ upstream, isRelay }: Cell): Seen => {
  const isPart = isRelay && (upstream === "anthropic" || upstream === "gemini");
  // In a relay, the client itself asks again.
  if (isPart) return { ending: "pause" };
  const text: Record<Cell["upstream"], string> = {
    anthropic: "Let me look that up. And there it is.",
    gemini: "One part of it. Another part of it. The end of it.",
    openai: "And there it is.",
    compat: "And there it is.",
  };
  return { text: text[upstream], ending: "end" };
};
const inOneIfItSearches = (cell: Cell) => (cell.upstream === "compat" ? noSearch : inOne(cell));

matrix("H-138, H-139 an answer in several requests", {
  words: parts,
  asks: [search],
  uncounted: () => "it is the sum over all requests",
  expected: {
    "openai-chat": inOne,
    "openai-responses": inOneIfItSearches,
    "anthropic-messages": inOneIfItSearches,
    gemini: inOneIfItSearches,
  },
  sent(sent, { upstream, isRelay }) {
    const times: Record<Cell["upstream"], number> = { anthropic: 2, gemini: 3, openai: 1, compat: 1 };
    expect(sent.length).toBe(isRelay ? 1 : times[upstream]);
  },
});

testLedger();
