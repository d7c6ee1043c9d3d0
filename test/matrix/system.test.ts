// Instructions at every place: several in front, between the turns, at the end; all of them arrive in their
// order.

import { expect } from "bun:test";
import { type Ask, model, type Told, user } from "./conversation.ts";
import { type Cell, matrix, noWords, type Seen, testLedger, useStage } from "./matrix.ts";
import type { Sent } from "./stage.ts";

useStage();

const heard: Seen = { text: "Yes.", ending: "end" };
const noTurns = noWords("contents have no turns of the system");

/** The place of each instruction in the provider's request. */
const inOrder =
  (...texts: readonly string[]) =>
  (sent: readonly Sent[]): void => {
    const body = sent.at(-1)?.body ?? "";
    const places = texts.map((text) => body.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  };

matrix("H-72 several instructions in front", {
  words: "says=Yes.",
  asks: [() => ({ system: ["First rule.", "Second rule.", "Third rule."], turns: [user("Well?")] })],
  expected: { "openai-chat": heard, "openai-responses": heard, "anthropic-messages": heard, gemini: heard },
  sent: inOrder("First rule.", "Second rule.", "Third rule.", "Well?"),
});

const opening = (): Ask => ({ system: ["First rule."], turns: [user("Well?")] });

/** Gemini alone has no turns for instructions: they become the user's words, and a header says so. */
const between = ({ upstream }: Cell): Seen =>
  upstream === "gemini" ? { ...heard, dropped: ["messages"] } : heard;
const inItems = ({ upstream }: Cell): Seen =>
  upstream === "gemini" ? { ...heard, dropped: ["input"] } : heard;

matrix("H-72 instructions between the turns", {
  words: "says=Yes.",
  asks: [
    opening,
    ([first]) => ({
      ...opening(),
      turns: [
        ...opening().turns,
        model(first as Told),
        user("Once more."),
        { by: "system", text: "Second rule." },
      ],
    }),
    ([first, second]) => ({
      ...opening(),
      turns: [
        ...opening().turns,
        model(first as Told),
        user("Once more."),
        { by: "system", text: "Second rule." },
        model(second as Told),
        user("And again."),
      ],
    }),
  ],
  expected: {
    "openai-chat": between,
    "openai-responses": inItems,
    "anthropic-messages": between,
    gemini: noTurns,
  },
  sent: inOrder("First rule.", "Well?", "Once more.", "Second rule.", "And again."),
});

/** Claude accepts instructions after a turn of the user only where an answer or the end follows. */
const awkward = ({ upstream }: Cell): Seen =>
  upstream === "gemini" || upstream === "anthropic" ? { ...heard, dropped: ["messages"] } : heard;

matrix("H-72 instructions in front of a turn of the user", {
  words: "says=Yes.",
  asks: [
    opening,
    ([first]) => ({
      ...opening(),
      turns: [
        ...opening().turns,
        model(first as Told),
        { by: "system", text: "Second rule." },
        user("Once more."),
      ],
    }),
  ],
  expected: {
    "openai-chat": awkward,
    "openai-responses": (cell) => {
      const { dropped, ...rest } = awkward(cell);
      return dropped === undefined ? rest : { ...rest, dropped: ["input"] };
    },
    // Anthropic refuses such a request, so that its own clients do not write it.
    "anthropic-messages": {
      anthropic: { trouble: { status: 400, type: "invalid_request_error" }, ending: null },
      gemini: { ...heard, dropped: ["messages"] },
      openai: heard,
      compat: heard,
    },
    gemini: noTurns,
  },
});

testLedger();
