/**
 * Clients bring sealed reasoning back, and can write seals of their own: nobody signs them. Whatever stands in them, a
 * request to an upstream stays as long as the client's, and costs what it is long.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { wrapSeal } from "../../src/neutral/seal.ts";
import { answerWell } from "../faults/asking.ts";
import { translatedToml } from "../flow/translated.ts";
import { CLIENT_KEY, type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { cpuMsOf } from "./cpu.ts";

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
