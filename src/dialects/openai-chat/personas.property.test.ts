/** What holds of servers that speak Chat in their own way: their answers are read alike in all forms, and taken back. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { PROPERTY_RUNS, splits } from "../../../test/kit/arbitraries.ts";
import { grammarFault } from "../../../test/kit/grammar.ts";
import type { JsonObject } from "../../core/json.ts";
import { fold } from "../../neutral/fold.ts";
import type { AssistantPart, ToolResultPart } from "../../neutral/message.ts";
import { makeAnswer } from "../../simulator/answer/answer.ts";
import { PromptCache } from "../../simulator/answer/prompt-cache.ts";
import type { SimRequest } from "../../simulator/answer/request.ts";
import { Script } from "../../simulator/answer/script.ts";
import { parseFault } from "../../simulator/base/fault.ts";
import { replyChat } from "../../simulator/openai-chat/reply.ts";
import { checkPersona } from "../../simulator/personas/check.ts";
import { PERSONA_NAMES, PERSONAS } from "../../simulator/personas/personas.ts";
import {
  CLIENT,
  DIALECTS_UNDER_TEST,
  encodeFor,
  readStream,
  readWhole,
  serverModels,
} from "../fixtures/dialects-under-test.ts";
import { makeTap, runTap } from "../fixtures/tap-under-test.ts";

setDefaultTimeout(Math.max(60_000, 60 * PROPERTY_RUNS));

const CHAT = DIALECTS_UNDER_TEST["openai-chat"];
type PersonaName = (typeof PERSONA_NAMES)[number];

interface Case {
  readonly name: PersonaName;
  readonly words: string;
  readonly model: string;
}

const texts = fc.string({ maxLength: 60 }).map((text) => `says=${encodeURIComponent(`${text}.`)}`);
const words = fc
  .tuple(
    fc.option(texts, { nil: "" }),
    fc.constantFrom("calls=0", "calls=1", "calls=3"),
    fc.constantFrom("", "interleaves"),
    fc.constantFrom("", "text-and-calls", "length", "no-args"),
  )
  .map((list) => list.filter((word) => word !== "").join(","));
const cases: fc.Arbitrary<Case> = fc
  .constantFrom(...PERSONA_NAMES)
  .chain((name) =>
    fc.record({ name: fc.constant(name), words, model: fc.constantFrom(...PERSONAS[name].models) }),
  );

const TOOL = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};

/** A request as the simulator has it in hand. */
function requestTo({ name, words, model }: Case, body: JsonObject): SimRequest {
  const persona = PERSONAS[name];
  const script = new Script(parseFault(words), persona.words);
  const cache = new PromptCache();
  let count = 0;
  return {
    body: body as SimRequest["body"],
    model,
    key: "sk-1",
    organization: "org-1",
    path: "/v1/chat/completions",
    query: new URLSearchParams(),
    header: () => undefined,
    nowMs: 1_790_000_000_000,
    hex: (bytes) =>
      (++count)
        .toString(16)
        .padStart(bytes * 2, "0")
        .split("")
        .reverse()
        .join(""),
    script,
    persona,
    answer: (question) => makeAnswer(question, script, {}, cache),
  };
}

const ASKED = (model: string): JsonObject => ({
  model,
  messages: [{ role: "user", content: "What is it like outside?" }],
  tools: [TOOL],
  max_tokens: 1_000,
});

const STREAMED = { stream: true, stream_options: { include_usage: true } };

function bytesOf(request: SimRequest): Uint8Array {
  const { opening = "", events } = replyChat(request).stream();
  let text = opening;
  for (const { data } of events) text += `data: ${data}\n\n`;
  return new TextEncoder().encode(text);
}

/** What an answer says: a whole one has its reasoning in one piece. */
function gist(parts: readonly AssistantPart[]): unknown {
  const said = (type: "text" | "reasoning") =>
    parts.map((part) => (part.type === type ? part.text : "")).join("");
  const calls = parts.flatMap((part) =>
    part.type === "tool-call" ? [{ id: part.id, name: part.name, input: part.input }] : [],
  );
  return { text: said("text"), reasoning: said("reasoning"), calls };
}

test("an answer is the same whole, streamed and in any pieces, and the tap counts what the decoder counts", () => {
  const streams = cases.chain((one) => {
    const request = requestTo(one, { ...ASKED(one.model), ...STREAMED });
    return fc.tuple(fc.constant(one), splits(bytesOf(request)));
  });
  fc.assert(
    fc.property(streams, ([one, pieces]) => {
      // A whole answer of MiniMax has all of its tags in front.
      fc.pre(one.name !== "minimax" || !one.words.includes("interleaves"));
      const bytes = bytesOf(requestTo(one, { ...ASKED(one.model), ...STREAMED }));
      const events = readStream(CHAT, [bytes]);
      expect([one, grammarFault(events)]).toEqual([one, null]);
      expect(readStream(CHAT, pieces)).toEqual(events);
      const streamed = fold(events);
      const body = JSON.parse(JSON.stringify(replyChat(requestTo(one, ASKED(one.model))).whole()));
      const whole = fold(readWhole(CHAT, body));
      expect([one, gist(streamed.parts)]).toEqual([one, gist(whole.parts)]);
      expect([one, streamed.stop?.kind]).toEqual([one, whole.stop?.kind]);
      if (streamed.usage !== null)
        expect<unknown>({ one, usage: streamed.usage }).toEqual({ one, usage: whole.usage });
      const { state } = runTap(makeTap("openai-chat", "sse"), new TextDecoder().decode(bytes));
      expect<unknown>({ one, usage: state.usage }).toEqual({ one, usage: streamed.usage });
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("what a server answered is taken back by it, with the results of its calls, in a request that the gateway writes", () => {
  const named = cases.filter(({ name }) => serverModels(name).length > 0);
  fc.assert(
    fc.property(named, fc.boolean(), fc.boolean(), (one, isStream, isFollowed) => {
      const { name, model } = one;
      const options = serverModels(name).find((each) => each.model === model);
      if (options === undefined) throw new Error("no model");
      const first = requestTo(one, { ...ASKED(model), ...(isStream ? STREAMED : {}) });
      const events = isStream
        ? readStream(CHAT, [bytesOf(first)])
        : readWhole(CHAT, JSON.parse(JSON.stringify(replyChat(first).whole())));
      const { parts } = fold(events);
      const calls = parts.flatMap((part) => (part.type === "tool-call" ? [part] : []));
      if (parts.length === 0) return;
      const { request } = CHAT.codec.decodeRequest(ASKED(model), CLIENT);
      const results = calls.map(
        ({ id }): ToolResultPart =>
          ({
            type: "tool-result",
            callId: id,
            content: [{ type: "text", text: "It rains." }],
            isError: false,
            cache: null,
          }) as unknown as ToolResultPart,
      );
      const answer = { role: "user", parts: [...results, { type: "text", text: "And now?" }] } as const;
      const onward = calls.length > 0 && !isFollowed ? ({ role: "user", parts: results } as const) : answer;
      const next = { ...request, messages: [...request.messages, { role: "assistant", parts }, onward] };
      const body = encodeFor(CHAT, next as typeof request, { ...options, repairs: options.repairs });
      if (body === null) throw new Error("it cannot be written");
      // Mistral's order of turns is learned from its refusal.
      if (name === "mistral" && isFollowed && calls.length > 0) return;
      const again = requestTo(one, JSON.parse(JSON.stringify(body)));
      try {
        checkPersona(again, PERSONAS[name]);
      } catch (refusal) {
        throw new Error(
          JSON.stringify({ one, refusal: (refusal as { body?: unknown }).body ?? String(refusal), body }),
        );
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
