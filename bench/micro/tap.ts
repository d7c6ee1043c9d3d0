/** Microseconds a tap adds to each event, slow (one event a chunk) and in bursts: bun bench/micro/tap.ts */
import { Buffer } from "node:buffer";
import type { DialectName, Framing } from "../../src/dialects/dialect.ts";
import { DIALECTS } from "../../src/dialects/index.ts";

const CHAT = (delta: string): string =>
  `data: {"id":"chatcmpl-AbCdEfGh","object":"chat.completion.chunk","created":1764000000,"model":"gpt-5.4","service_tier":"default","system_fingerprint":"fp_x","choices":[{"index":0,"delta":{"content":"${delta}"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abc"}\n\n`;
const EVENTS: Readonly<Record<DialectName, string>> = {
  "openai-chat": CHAT(" the"),
  "openai-responses":
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":17,"item_id":"msg_0123456789abcdef","output_index":0,"content_index":0,"delta":" the","logprobs":[],"obfuscation":"abc"}\n\n',
  "anthropic-messages":
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" the"}}\n\n',
  gemini:
    'data: {"candidates":[{"content":{"parts":[{"text":" the quick brown fox jumps"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":9,"totalTokenCount":220,"promptTokensDetails":[{"modality":"TEXT","tokenCount":11}],"thoughtsTokenCount":200},"modelVersion":"gemini-3-flash","responseId":"abcdefghijk"}\n\n',
};

function measure(
  name: string,
  dialect: DialectName,
  framing: Framing,
  chunk: Uint8Array,
  events: number,
): void {
  const rounds = Math.max(2000, Math.round(400_000 / events));
  const options = { framing, peek: null, isUsageInjected: false, maxHeldBytes: 1 << 20 };
  const tap = DIALECTS[dialect].makeTap(options);
  let size = 0;
  const go = (count: number): void => {
    for (let i = 0; i < count; i++) size += tap.push(chunk)?.length ?? 0;
  };
  go(rounds / 4);
  const from = performance.now();
  go(rounds);
  const us = ((performance.now() - from) / rounds / events) * 1000;
  console.log(`${name.padEnd(44)} ${us.toFixed(3)} us an event, ${chunk.length / events} bytes each`);
  if (size === 0 || tap.progress !== "open") throw new Error("the tap did not let the bytes pass");
}

/** Each event in two pieces, the worst case of a copy. */
function measureSplit(dialect: DialectName, event: Uint8Array): void {
  const head = event.subarray(0, 50);
  const tail = event.subarray(50);
  const tap = DIALECTS[dialect].makeTap({
    framing: "sse",
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 1 << 20,
  });
  const rounds = 200_000;
  let size = 0;
  let from = 0;
  for (let i = -rounds / 4; i < rounds; i++) {
    if (i === 0) from = performance.now();
    size += (tap.push(head)?.length ?? 0) + (tap.push(tail)?.length ?? 0);
  }
  const us = ((performance.now() - from) / rounds) * 1000;
  console.log(
    `${`${dialect}, split in two`.padEnd(44)} ${us.toFixed(3)} us an event, ${event.length} bytes each`,
  );
  if (size !== event.length * rounds * 1.25) throw new Error("bytes were lost");
}

for (const [dialect, event] of Object.entries(EVENTS) as [DialectName, string][]) {
  measure(`${dialect}, one event a chunk`, dialect, "sse", Buffer.from(event), 1);
  measure(`${dialect}, 100 events a chunk`, dialect, "sse", Buffer.from(event.repeat(100)), 100);
  measureSplit(dialect, Buffer.from(event));
}
const withUsage = CHAT(" the").replace(
  '"usage":null',
  '"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}',
);
measure("openai-chat, usage on every chunk", "openai-chat", "sse", Buffer.from(withUsage), 1);

const body = Buffer.from(
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "gpt-5.4",
    choices: [
      { index: 0, message: { role: "assistant", content: "word ".repeat(120) }, finish_reason: "stop" },
    ],
    usage: {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 1 },
    },
  }),
);
const rounds = 100_000;
let tokens = 0;
const from = performance.now();
for (let i = 0; i < rounds; i++) {
  const tap = DIALECTS["openai-chat"].makeTap({
    framing: "json",
    peek: null,
    isUsageInjected: false,
    maxHeldBytes: 1 << 20,
  });
  tap.push(body);
  tokens += tap.end()?.length === body.length ? (tap.usage?.outputTokens ?? 0) : 0;
}
console.log(
  `openai-chat JSON reply of ${body.length} bytes`.padEnd(44),
  `${((performance.now() - from) / rounds) * 1000} us`,
);
if (tokens !== rounds * 2) throw new Error("usage was not read");
