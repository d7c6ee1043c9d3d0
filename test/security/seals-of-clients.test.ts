/**
 * Clients bring sealed reasoning back, and can write seals of their own: nobody signs them. Whatever stands in them, a
 * request to an upstream stays as long as the client's, and costs what it is long.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Message } from "../../src/neutral/message.ts";
import type { ModelRequest } from "../../src/neutral/request.ts";
import { wrapSeal } from "../../src/neutral/seal.ts";
import { makeSealMemory } from "../../src/translate/seal-memory.ts";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { cpuMsOf, growthOf, isLinear } from "./cpu.ts";

const MOST_CPU_MS = 500;
const MODEL = "openai-chat/qwen3-32b";

let upstream: RawUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived), { lists: "apart" });
  gateway = await startGateway({ toml: translatedToml(upstream.url) });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

const sealed = (data: unknown): string =>
  wrapSeal({ maker: "openai-compatible", place: "reasoning", data: JSON.stringify(data) });

const CALL = { id: "call_1", name: "f" };

/** A turn with these thoughts and a call, and the call's result, in each dialect whose clients carry seals. */
const REQUESTS: Readonly<
  Record<string, (thoughts: readonly { text: string; seal: string }[]) => { path: string; body: object }>
> = {
  "anthropic-messages": (thoughts) => ({
    path: "/v1/messages",
    body: {
      model: MODEL,
      max_tokens: 9,
      tools: [{ name: "f", input_schema: { type: "object" } }],
      messages: [
        { role: "user", content: "Hi" },
        {
          role: "assistant",
          content: [
            ...thoughts.map(({ text, seal }) => ({ type: "thinking", thinking: text, signature: seal })),
            { type: "tool_use", ...CALL, input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: CALL.id, content: "done" }] },
      ],
    },
  }),
  gemini: (thoughts) => ({
    path: `/v1beta/models/${MODEL}:generateContent`,
    body: {
      tools: [{ functionDeclarations: [{ name: "f" }] }],
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        {
          role: "model",
          parts: [
            ...thoughts.map(({ text, seal }) => ({ thought: true, text, thoughtSignature: seal })),
            { functionCall: { ...CALL, args: {} } },
          ],
        },
        { role: "user", parts: [{ functionResponse: { ...CALL, response: { output: "done" } } }] },
      ],
    },
  }),
  "openai-responses": (thoughts) => ({
    path: "/v1/responses",
    body: {
      model: MODEL,
      store: false,
      input: [
        { role: "user", content: "Hi" },
        ...thoughts.map(({ text, seal }, n) => ({
          type: "reasoning",
          id: `rs_${n}`,
          summary: [{ type: "summary_text", text }],
          encrypted_content: seal,
        })),
        { type: "function_call", call_id: CALL.id, name: CALL.name, arguments: "{}" },
        { type: "function_call_output", call_id: CALL.id, output: "done" },
      ],
    },
  }),
};

async function send({ path, body }: { readonly path: string; readonly body: object }) {
  upstream.forget();
  const text = JSON.stringify(body);
  const before = cpuMsOf(gateway.pid);
  const reply = await fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body: text,
  });
  await reply.arrayBuffer();
  const sent = upstream.seen[0]?.body.toString() ?? "";
  return {
    status: reply.status,
    cpuMs: cpuMsOf(gateway.pid) - before,
    sent,
    sizes: [text.length, sent.length],
  };
}

for (const [dialect, requestWith] of Object.entries(REQUESTS)) {
  test(`A43 ${dialect}: a seal that names one member a thousand times repeats no text`, async () => {
    const text = "t".repeat(100_000);
    const texts = Array.from(
      { length: 1_000 },
      (_, n) => ["reasoning_content", "reasoning", "content"][n % 3],
    );
    const { status, sent, sizes } = await send(requestWith([{ text, seal: sealed({ texts, state: {} }) }]));
    expect(status).toBe(200);
    // The text has gone on, in each of the three members once at most.
    expect(sent).toContain(text);
    expect(sizes[1]).toBeLessThan(4 * (sizes[0] as number));
  }, 60_000);

  test(`A43 ${dialect}: the entries of ten thousand seals cost half a second of CPU at most`, async () => {
    const seal = sealed({ texts: [], state: { reasoning_details: [{}, {}, {}, {}, {}, {}, {}, {}] } });
    const thoughts = Array.from({ length: 10_000 }, () => ({ text: "t", seal }));
    const tries = [await send(requestWith(thoughts)), await send(requestWith(thoughts))];
    const least = Math.min(...tries.map(({ cpuMs }) => cpuMs));
    expect([tries[0]?.status, least <= MOST_CPU_MS, least]).toEqual([200, true, least]);
    const { sizes } = tries[0] as (typeof tries)[number];
    expect(sizes[1]).toBeLessThan(4 * (sizes[0] as number));
  }, 60_000);
}

test("A59 reasoning that a client returns beside remembered calls is looked through once, not for each call", () => {
  const maker = "google";
  const idOf = (n: number): string => `call_a${n}b1c2d3e4`;
  /** As many calls of one answer are remembered, and as many seals of others returned, as the request has pieces. */
  const restoring = (pieces: number): (() => ModelRequest) => {
    const memory = makeSealMemory(64 * 1024 * 1024);
    const record = memory.recorder("key", maker, "");
    for (let n = 0; n < pieces; n++) {
      record({
        type: "open",
        block: {
          kind: "tool-call",
          id: idOf(n),
          name: "f",
          namespace: null,
          call: "function",
          seal: { maker, place: "call", data: "s" },
        },
      });
      record({ type: "delta", text: "{}" });
      record({ type: "close", seal: null });
    }
    const stop = { sequence: null, explanation: null, category: null, token: null };
    record({ type: "end", stop: { kind: "tool-calls", raw: null, ...stop } });
    const turn = {
      role: "assistant",
      parts: [
        ...Array.from({ length: 20 * pieces }, () => ({
          type: "reasoning" as const,
          text: "",
          seal: { maker: "anthropic", data: "d" },
        })),
        ...Array.from({ length: pieces }, (_, n) => ({
          type: "tool-call" as const,
          id: idOf(n),
          name: "f",
          input: "{}",
        })),
      ],
    } as unknown as Message;
    const request = { system: [], tools: [], messages: [turn] } as unknown as ModelRequest;
    return () => memory.restore("key", request, maker);
  };
  const sizes = { 1: restoring(500), 4: restoring(2_000) };
  expect(isLinear(growthOf((times) => void sizes[times]()))).toBe(true);
  const [turn] = sizes[4]().messages;
  const calls = turn?.role === "assistant" ? turn.parts.filter(({ type }) => type === "tool-call") : [];
  expect(calls.filter((call) => "seal" in call && call.seal?.data === "s")).toHaveLength(2_000);
});

test("A93 a name of a call that nearly stands in the call's id, at each place, costs what both are long", () => {
  const recording = (chars: number): (() => void) => {
    const id = "a".repeat(2 * chars);
    const name = `${"a".repeat(chars / 2)}b${"a".repeat(chars / 2)}`;
    return () => {
      const record = makeSealMemory(64 * 1024 * 1024).recorder("key", "google", "");
      const seal = { maker: "google", place: "call", data: "s" } as const;
      record({
        type: "open",
        block: { kind: "tool-call", id, name, namespace: null, call: "function", seal },
      });
      record({ type: "delta", text: "{}" });
      record({ type: "close", seal: null });
      const stop = { sequence: null, explanation: null, category: null, token: null };
      record({ type: "end", stop: { kind: "tool-calls", raw: null, ...stop } });
    };
  };
  const sizes = { 1: recording(100_000), 4: recording(400_000) };
  expect(isLinear(growthOf((times) => sizes[times]()))).toBe(true);
});
