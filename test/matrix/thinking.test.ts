// Thinking: the client sees it where the provider shows it, and the next turn returns it in a form that its
// maker accepts.

import { describe, expect } from "bun:test";
import { type Ask, model, type Result, say, type Told, user } from "./conversation.ts";
import { type Cell, matrix, type Scenario, type Seen, testLedger, useStage } from "./matrix.ts";
import { CLOCK, echoOf, REASONING, WEATHER, WEATHER_ARGS } from "./samples.ts";

useStage('[[models]]\nname = "thinker"\ntargets = ["compat/house-1~thinks"]\n');

/** A compatible server decides by itself whether to think; one kind of server needs its thoughts back. */
const words = (calls: string): NonNullable<Scenario["words"]> => ({
  anthropic: calls,
  gemini: calls,
  openai: calls,
  compat: `thinks,compat=needs-reasoning${calls === "" ? "" : `,${calls}`}`,
});

const question = (): Ask => ({ turns: [user("Think about it.")], thinks: true });

const thought = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it."),
  reasoning: REASONING,
  ending: "end",
});

matrix("thinking", {
  words: words(""),
  asks: [question],
  expected: {
    "openai-chat": thought,
    "openai-responses": thought,
    "anthropic-messages": thought,
    gemini: thought,
  },
});

const withTools = (): Ask => ({ ...question(), tools: [WEATHER, CLOCK] });
const calling: Seen = {
  reasoning: REASONING,
  calls: [
    { name: "get_weather", args: WEATHER_ARGS },
    { name: "get_time", args: {} },
  ],
  ending: "calls",
};

matrix("thinking, then two tools", {
  words: words("calls=2"),
  asks: [withTools],
  expected: {
    "openai-chat": calling,
    "openai-responses": calling,
    "anthropic-messages": calling,
    gemini: calling,
  },
});

const results = ({ calls }: Told): Result[] =>
  calls.map((call, index) => ({ call, content: [say(`result ${index + 1}`)] }));

const looped = (told: readonly Told[]): Ask => ({
  ...withTools(),
  turns: [
    ...withTools().turns,
    ...told.flatMap((one) => [model(one), { by: "tools", results: results(one) } as const]),
  ],
});

const concluded = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it.", ["result 1", "result 2"]),
  reasoning: REASONING,
  ending: "end",
});

describe("replay", () => {
  matrix("H-78, H-92 thinking is given back with the results of tools", {
    words: words("calls=2"),
    asks: [withTools, looped],
    expected: {
      "openai-chat": concluded,
      "openai-responses": concluded,
      "anthropic-messages": concluded,
      gemini: concluded,
    },
    sent(sent, { upstream }) {
      const body = sent.at(-1)?.body ?? "";
      const isBack: Record<Cell["upstream"], RegExp> = {
        anthropic: /"type":"thinking","thinking":"[^"]*","signature":"[A-Za-z0-9+/]{40,}/,
        gemini: /"thoughtSignature":"[A-Za-z0-9+/]{40,}/,
        openai: /"encrypted_content":"[A-Za-z0-9+/]{40,}/,
        compat: /"reasoning_content":"The question/,
      };
      expect(body).toMatch(isBack[upstream]);
      // No placeholder where there is a real seal.
      expect(body).not.toContain("skip_thought_signature_validator");
    },
  });

  const onward = (cell: Cell): Seen => ({
    text: echoOf(cell, "And then?"),
    reasoning: REASONING,
    ending: "end",
  });

  matrix("thinking is given back behind an answer", {
    words: words(""),
    asks: [
      question,
      ([first]) => ({ ...question(), turns: [...question().turns, model(first as Told), user("And then?")] }),
    ],
    expected: {
      "openai-chat": onward,
      "openai-responses": onward,
      "anthropic-messages": onward,
      gemini: onward,
    },
  });
});

const hidden = (cell: Cell): Seen => ({
  text: echoOf(cell, "Think about it.", ["result 1", "result 2"]),
  reasoning: "",
  ending: "end",
});

matrix("H-62 thinking that is not to be read", {
  words: {
    anthropic: "redacted,calls=2",
    gemini: "redacted,calls=2",
    openai: "redacted,calls=2",
    compat: "redacted,calls=2",
  },
  asks: [withTools, looped],
  expected: {
    "openai-chat": hidden,
    "openai-responses": hidden,
    "anthropic-messages": hidden,
    gemini: hidden,
  },
});

const byName: Seen = { reasoning: REASONING, ending: "end" };

/** Models whose thinking is set by a number of tokens or by other words, and models that always think. */
const models = {
  anthropic: "claude-haiku-4-5",
  gemini: "gemini-2.5-flash",
  openai: "o3",
  compat: "deepseek-v4",
} as const;
const older: Seen = { text: "So be it.", reasoning: REASONING, ending: "end" };
/** In a relay, a form of asking that the model does not have is left out, and named. */
const unthought: Seen = { ...older, reasoning: "", headers: { "x-clewline-changed": /thinking/ } };
const repaired: Seen = { ...older, headers: { "x-clewline-changed": /thinkingLevel/ } };

matrix("thinking of other models is given back with the results of tools", {
  words: words("calls=2,says=So be it."),
  models,
  asks: [withTools, looped],
  expected: {
    "openai-chat": older,
    "openai-responses": older,
    "anthropic-messages": { anthropic: unthought, gemini: older, openai: older, compat: older },
    gemini: { anthropic: older, gemini: repaired, openai: older, compat: older },
  },
});

/** The model's name asks for thinking, for clients that have no other way. */
matrix("thinking by the name of the model", {
  words: "says=Yes.-thinking",
  // A compatible server may have models with such names: there the suffix works only on a name of the
  // configuration.
  asked: ({ upstream }) => (upstream === "compat" ? "thinker-thinking" : null),
  asks: [() => ({ turns: [user("Think about it.")] })],
  expected: {
    "openai-chat": byName,
    "openai-responses": byName,
    "anthropic-messages": byName,
    gemini: byName,
  },
});

testLedger();
