// What a script makes the model say, in each dialect, whole and streamed.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Reading, read } from "../fixtures/reading-under-test.ts";
import {
  DIALECTS,
  type Dialect,
  post,
  reset,
  sample,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import { toolsOf } from "../fixtures/tools-under-test.ts";
import type { Simulator } from "../server/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

type Body = Record<string, unknown>;

const TOOLS = toolsOf({
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
});

const ARGS = '{"city":"example"}';
const THOUGHT = /^The question is read first\./;

interface Expected {
  readonly finish: string;
  readonly thinking?: RegExp | "";
  readonly text?: string | RegExp;
  readonly refusal?: string | RegExp;
  readonly calls?: Reading["calls"];
  readonly cited?: readonly string[];
}

interface NotSupported {
  readonly notSupported: string;
}
const notSupported = (reason: string): NotSupported => ({ notSupported: reason });

/** What each dialect's reading holds; for whole answers `whole` stands above. */
type Row = Readonly<Record<Dialect, (Expected & { readonly whole?: Partial<Expected> }) | NotSupported>>;

const everywhere = (
  rest: Omit<Expected, "finish">,
  finishes: readonly [string, string, string, string],
): Row => ({
  "openai-chat": { ...rest, finish: finishes[0] },
  "openai-responses": { ...rest, finish: finishes[1] },
  "anthropic-messages": { ...rest, finish: finishes[2] },
  gemini: { ...rest, finish: finishes[3] },
});
const ENDED = ["stop", "completed", "end_turn", "STOP"] as const;
const CALLED = ["tool_calls", "completed", "tool_use", "STOP"] as const;
const CUT = ["length", "incomplete max_output_tokens", "max_tokens", "MAX_TOKENS"] as const;

const CITED = ["No provider was asked.", "Have a naïve café in 東京 🙂."];

const ROWS: Readonly<Record<string, Row>> = {
  "says=Na%C3%AFve%2C really?": everywhere({ text: "Naïve, really?", calls: [] }, ENDED),
  "says=": everywhere({ text: "", calls: [] }, ENDED),
  "calls=0": everywhere({ text: /^You said/, calls: [] }, ENDED),
  "calls=1": everywhere({ text: "", calls: [["weather", ARGS]] }, CALLED),
  "calls=3": everywhere(
    {
      text: "",
      calls: [
        ["weather", ARGS],
        ["clock", ARGS],
        ["weather", ARGS],
      ],
    },
    CALLED,
  ),
  "calls=1,no-args": {
    "openai-chat": { finish: "tool_calls", calls: [["weather", "{}"]] },
    "openai-responses": { finish: "completed", calls: [["weather", "{}"]] },
    "anthropic-messages": { finish: "tool_use", calls: [["weather", "{}"]] },
    gemini: { finish: "STOP", calls: [["weather", "null"]] },
  },
  "calls=1,text-and-calls,says=Wait.": everywhere({ text: "Wait.", calls: [["weather", ARGS]] }, CALLED),
  thinks: everywhere({ thinking: THOUGHT, text: /^You said/ }, ENDED),
  redacted: everywhere({ thinking: "", text: /^You said/ }, ENDED),
  cites: everywhere({ text: /^You said/, cited: CITED }, ENDED),
  refuses: {
    "openai-chat": { finish: "content_filter", text: "", refusal: /can’t help/ },
    "openai-responses": { finish: "completed", text: "", refusal: /can’t help/ },
    "anthropic-messages": { finish: "refusal", text: /can’t help/, refusal: /can’t help/ },
    gemini: { finish: "SAFETY", text: /can’t help/, refusal: /can’t help/ },
  },
  "refuses=empty": {
    "openai-chat": { finish: "content_filter", text: "", refusal: "" },
    "openai-responses": { finish: "incomplete content_filter", text: "", refusal: "" },
    "anthropic-messages": { finish: "refusal", text: "", refusal: /can’t help/ },
    gemini: { finish: "SAFETY", text: "", refusal: /can’t help/ },
  },
  blocks: {
    "openai-chat": { finish: "content_filter", text: "" },
    "openai-responses": { finish: "incomplete content_filter", text: "" },
    "anthropic-messages": { finish: "refusal", text: "" },
    gemini: { finish: "PROHIBITED_CONTENT", text: "" },
  },
  "length,says=One two three four.": everywhere({ text: "One two th", calls: [] }, CUT),
  "length,calls=1": {
    "openai-chat": { finish: "length", calls: [["weather", '{"city":"']] },
    "openai-responses": { finish: "incomplete max_output_tokens", calls: [["weather", '{"city":"']] },
    "anthropic-messages": {
      finish: "max_tokens",
      calls: [["weather", '{"city":"']],
      whole: { calls: [["weather", "{}"]] },
    },
    gemini: { finish: "MAX_TOKENS", calls: [] },
  },
  "finish=some_reason": everywhere({ text: /^You said/ }, [
    "some_reason",
    "incomplete some_reason",
    "some_reason",
    "some_reason",
  ]),
  pauses: {
    "openai-chat": notSupported("there are no pauses"),
    "openai-responses": notSupported("there are no pauses"),
    "anthropic-messages": { finish: "pause_turn", text: "Let me look that up. " },
    gemini: notSupported("there are no pauses"),
  },
  "continues,says=One two three four five six": {
    "openai-chat": notSupported("there are no continuations"),
    "openai-responses": notSupported("there are no continuations"),
    "anthropic-messages": notSupported("there are no continuations"),
    gemini: { finish: "CONTINUATION", text: "One two three " },
  },
};

async function ask(dialect: Dialect, script: string, stream: boolean): Promise<Reading> {
  return read(
    dialect,
    await post(simulator, sample(dialect, { stream, fault: script, body: TOOLS[dialect] })),
  );
}

const matches = (found: string, wanted: string | RegExp | undefined) => {
  if (wanted instanceof RegExp) {
    expect(found).toMatch(wanted);
  } else if (wanted !== undefined) {
    expect(found).toBe(wanted);
  }
};

describe.each(Object.keys(ROWS))("%s", (script) => {
  for (const dialect of DIALECTS) {
    const row = ROWS[script]?.[dialect];
    for (const stream of row === undefined || "notSupported" in row ? [] : [false, true]) {
      test(`${dialect}, ${stream ? "streamed" : "whole"}`, async () => {
        const reading = await ask(dialect, script, stream);
        const { whole, ...streamed } = row as Expected & { whole?: Partial<Expected> };
        const wanted: Expected = stream ? streamed : { ...streamed, ...whole };
        expect(reading.finish).toBe(wanted.finish);
        matches(reading.thinking, wanted.thinking ?? "");
        matches(reading.text, wanted.text);
        matches(reading.refusal, wanted.refusal);
        expect(reading.calls).toEqual(wanted.calls ?? []);
        expect(reading.cited).toEqual(wanted.cited ?? []);
      });
    }
  }
});

test.each(DIALECTS)("%s: a script may come in the model's name", async (dialect) => {
  const model = sample(dialect).body.model ?? "gemini-2.5-flash";
  const request = sample(dialect, { model: `${model}~says=Hello.` });

  expect((await read(dialect, await post(simulator, request))).text).toBe("Hello.");
});

test.each(DIALECTS)("%s: an order of thinking, text and calls", async (dialect) => {
  const spoken = await ask(dialect, "interleaves,thinks", true);
  const called = await ask(dialect, "interleaves,thinks,calls=2", true);
  const orders: Readonly<Record<Dialect, readonly [readonly string[], readonly string[]]>> = {
    "openai-chat": [
      ["reasoning_content", "content", "reasoning_content", "content"],
      ["reasoning_content", "call", "reasoning_content", "content", "call"],
    ],
    "openai-responses": [
      ["reasoning", "message", "reasoning", "message"],
      ["reasoning", "function_call", "reasoning", "message", "function_call"],
    ],
    "anthropic-messages": [
      ["thinking", "text", "thinking", "text"],
      ["thinking", "tool_use", "thinking", "text", "tool_use"],
    ],
    gemini: [
      ["thought", "text", "thought", "text"],
      ["thought", "call", "thought", "text", "call"],
    ],
  };

  expect([spoken.order, called.order]).toEqual(orders[dialect] as unknown as [string[], string[]]);
});

test("a call without arguments has no input_json_delta", async () => {
  const request = sample("anthropic-messages", {
    stream: true,
    fault: "calls=1,no-args",
    body: TOOLS["anthropic-messages"],
  });

  expect(await (await post(simulator, request)).text()).not.toContain("input_json_delta");
});

test("what is redacted comes as a block that is known again", async () => {
  const first = await ask("anthropic-messages", "redacted,calls=1", true);
  expect(first.order).toEqual(["redacted_thinking", "tool_use"]);
  const result = { type: "tool_result", tool_use_id: first.raw.content[1].id, content: "sunny" };
  const { text: _, streamed: __, ...raw } = first.raw;
  const content = raw.content.map(({ type, data, id, name, input }: Body) =>
    type === "tool_use" ? { type, id, name, input } : { type, data },
  );
  const next = (data: readonly Body[]) =>
    post(
      simulator,
      sample("anthropic-messages", {
        body: {
          ...TOOLS["anthropic-messages"],
          messages: [
            { role: "user", content: "Hello there" },
            { role: "assistant", content: data },
            { role: "user", content: [result] },
          ],
        },
      }),
    );

  expect((await next(content)).status).toBe(200);
  const refused = await next([{ ...content[0], data: "bm90IG1pbmU=" }, content[1]]);
  expect(await refused.text()).toContain("Invalid `data` in `redacted_thinking` block");
});

test("a paused turn goes on when it comes back", async () => {
  const ask = async (fault: string, assistant: readonly Body[]) => {
    const messages = [
      { role: "user", content: "Hello there" },
      ...(assistant.length > 0 ? [{ role: "assistant", content: assistant }] : []),
    ];
    const request = sample("anthropic-messages", { fault, model: "claude-opus-5", body: { messages } });
    return read("anthropic-messages", await post(simulator, request));
  };
  const first = await ask("pauses=2", []);
  const second = await ask("pauses=2", first.raw.content);
  const third = await ask("pauses=2", [...first.raw.content, ...second.raw.content]);

  expect([first.finish, second.finish, third.finish]).toEqual(["pause_turn", "pause_turn", "end_turn"]);
  expect(first.usage.server_tool_use).toEqual({ web_search_requests: 1, web_fetch_requests: 0 });
  expect(third.text).toMatch(/^You said/);
});

test("a continued answer is complete after its hops, each counted by itself", async () => {
  const ask = async (more: Body) => {
    const request = sample("gemini", {
      stream: true,
      fault: "continues=2,says=One two three four five six seven",
      body: more,
    });
    return read("gemini", await post(simulator, request));
  };
  const first = await ask({});
  const tokenOf = (reading: Reading) => reading.raw.candidates[0].continuationToken as string | undefined;
  const second = await ask({ continuationToken: tokenOf(first) });
  const third = await ask({ continuationToken: tokenOf(second) });

  expect([first, second, third].map((one) => one.finish)).toEqual(["CONTINUATION", "CONTINUATION", "STOP"]);
  expect(first.text + second.text + third.text).toBe("One two three four five six seven");
  expect(tokenOf(third)).toBeUndefined();
  expect(third.usage.candidatesTokenCount).toBeGreaterThan(0);
});

test("a search stands before the text that cites it", async () => {
  const orders: Partial<Record<Dialect, readonly string[]>> = {
    "openai-responses": ["web_search_call", "message"],
    "anthropic-messages": ["server_tool_use", "web_search_tool_result", "text"],
  };
  for (const [dialect, order] of Object.entries(orders)) {
    expect((await ask(dialect as Dialect, "cites", true)).order).toEqual(order as string[]);
  }
  const gemini = await ask("gemini", "cites,thinks", false);
  expect(gemini.raw.candidates[0].groundingMetadata.groundingSupports[0].segment.partIndex).toBe(1);
});

test("a document can be cited too", async () => {
  const { raw, text } = await ask("anthropic-messages", "cites=document", true);
  const citations = raw.content.flatMap((block: Body) => (block.citations as Body[] | null) ?? []);

  expect(citations.map((one: Body) => one.type)).toEqual(["char_location", "char_location"]);
  expect(text.slice(citations[0].start_char_index, citations[0].end_char_index)).toBe(
    citations[0].cited_text,
  );
});

test("raw reasoning is the content of its item", async () => {
  const { raw } = await ask("openai-responses", "thinks=raw", true);

  expect(raw.output[0]).toMatchObject({ type: "reasoning", summary: [] });
  expect(raw.output[0].content[0]).toMatchObject({
    type: "reasoning_text",
    text: expect.stringMatching(THOUGHT),
  });
});
