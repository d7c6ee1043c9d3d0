// Tools: none called, one, two at once, without arguments; their results as text, as an error, with an image.

import { expect } from "bun:test";
import { type Ask, model, type Result, say, type Told, user } from "./conversation.ts";
import { type Cell, matrix, type Seen, testLedger, useStage } from "./matrix.ts";
import { CLOCK, echoOf, PIXEL, WEATHER, WEATHER_ARGS } from "./samples.ts";
import { MODELS } from "./stage.ts";

useStage();

const ask = (): Ask => ({ turns: [user("What is it like outside?")], tools: [WEATHER, CLOCK] });

const none = (cell: Cell): Seen => ({
  text: echoOf(cell, "What is it like outside?"),
  calls: [],
  ending: "end",
});

matrix("tools, none called", {
  words: "calls=0",
  asks: [ask],
  expected: { "openai-chat": none, "openai-responses": none, "anthropic-messages": none, gemini: none },
});

const weather = { name: "get_weather", args: WEATHER_ARGS };
const clock = { name: "get_time", args: {} };
const one: Seen = { text: "", calls: [weather], ending: "calls" };

matrix("one tool", {
  words: "calls=1",
  asks: [ask],
  expected: { "openai-chat": one, "openai-responses": one, "anthropic-messages": one, gemini: one },
});

const two: Seen = { calls: [weather, clock], ending: "calls" };

matrix("two tools in parallel", {
  words: "calls=2",
  asks: [ask],
  expected: { "openai-chat": two, "openai-responses": two, "anthropic-messages": two, gemini: two },
});

const spoken = (cell: Cell): Seen => ({ ...two, text: echoOf(cell, "What is it like outside?") });

matrix("H-32 text, then two tools", {
  words: "calls=2,text-and-calls",
  asks: [ask],
  expected: {
    "openai-chat": spoken,
    "openai-responses": spoken,
    "anthropic-messages": spoken,
    gemini: spoken,
  },
});

const bare: Seen = { text: "", calls: [{ name: "get_time", args: {} }], ending: "calls" };

matrix("H-40 a tool without arguments", {
  words: "calls=1,no-args",
  asks: [() => ({ turns: [user("What time is it?")], tools: [CLOCK] })],
  expected: { "openai-chat": bare, "openai-responses": bare, "anthropic-messages": bare, gemini: bare },
});

function answered(results: (told: Told) => readonly Result[]): (told: readonly Told[]) => Ask {
  return (told) => {
    const [first] = told as readonly [Told];
    return { ...ask(), turns: [...ask().turns, model(first), { by: "tools", results: results(first) }] };
  };
}

const readBoth = (cell: Cell): Seen => ({
  text: echoOf(cell, "What is it like outside?", ["12 °C, “windy”", "13:37"]),
  calls: [],
  ending: "end",
});

matrix("H-73, H-89 two results", {
  words: "calls=2",
  asks: [
    ask,
    answered(({ calls: [first, second] }) => [
      { call: first as Result["call"], content: [say("12 °C, “windy”")] },
      { call: second as Result["call"], content: [say("13:37")] },
    ]),
  ],
  expected: {
    "openai-chat": readBoth,
    "openai-responses": readBoth,
    "anthropic-messages": readBoth,
    gemini: readBoth,
  },
});

/** Dialects without a flag for errors say in the text that a result is an error. */
const failed = (cell: Cell): Seen => {
  const isFlagged =
    (cell.dialect === "anthropic-messages" || cell.dialect === "gemini") &&
    (cell.upstream === "anthropic" || cell.upstream === "gemini");
  return {
    text: echoOf(cell, "What is it like outside?", [`${isFlagged ? "" : "Error: "}no such city`]),
    ending: "end",
  };
};

matrix("a result that is an error", {
  words: "calls=1",
  asks: [
    ask,
    answered(({ calls: [first] }) => [
      { call: first as Result["call"], content: [say("no such city")], isError: true },
    ]),
  ],
  expected: {
    "openai-chat": failed,
    "openai-responses": failed,
    "anthropic-messages": failed,
    gemini: failed,
  },
  sent(sent, { dialect, upstream }) {
    const isFlagged = dialect === "anthropic-messages" || dialect === "gemini";
    if (upstream === "anthropic" && isFlagged) expect(sent.at(-1)?.body).toContain('"is_error":true');
    if (upstream === "gemini" && isFlagged) expect(sent.at(-1)?.body).toContain('"error":"no such city"');
  },
});

const seenPicture: Seen = { text: "I see.", calls: [], ending: "end" };

matrix("H-99 a result with an image", {
  words: "calls=1,says=I see.",
  asks: [
    ask,
    answered(({ calls: [first] }) => [{ call: first as Result["call"], content: [say("The view:"), PIXEL] }]),
  ],
  expected: {
    // A Chat client sends the image in a message of the user after the result.
    "openai-chat": seenPicture,
    "openai-responses": seenPicture,
    "anthropic-messages": seenPicture,
    gemini: seenPicture,
  },
  sent(sent) {
    const body = sent.at(-1)?.body ?? "";
    expect(body.split(PIXEL.data).length - 1).toBe(1);
    expect(body).toContain("The view:");
  },
});

matrix("H-99 a result with an image, for a model that takes none in results", {
  words: "calls=1,says=I see.",
  models: { ...MODELS, gemini: "gemini-2.5-flash" },
  asks: [
    ask,
    answered(({ calls: [first] }) => [{ call: first as Result["call"], content: [say("The view:"), PIXEL] }]),
  ],
  expected: {
    "openai-chat": seenPicture,
    "openai-responses": seenPicture,
    "anthropic-messages": seenPicture,
    // In a relay, Gemini itself refuses it.
    gemini: ({ isRelay }) => (isRelay ? { trouble: { status: 400 }, ending: null } : seenPicture),
  },
  sent: (sent) => expect(sent.at(-1)?.body.split(PIXEL.data).length).toBe(2),
});

testLedger();
