/** Microseconds to peek a request: bun bench/micro/peek.ts */
import { Buffer } from "node:buffer";
import { DIALECTS } from "../../src/dialects/index.ts";
import { peekRequest, rewriteRequest } from "../../src/dialects/peek.ts";

function run(name: string, body: Uint8Array, rounds: number): void {
  let sum = 0;
  for (let i = 0; i < rounds / 5; i++) sum += peekRequest("openai-chat", body).modelEnd;
  const from = performance.now();
  for (let i = 0; i < rounds; i++) sum += peekRequest("openai-chat", body).modelEnd;
  const peekUs = ((performance.now() - from) / rounds) * 1000;
  const parseFrom = performance.now();
  const text = Buffer.from(body);
  const parseRounds = Math.max(1, rounds / 10);
  for (let i = 0; i < parseRounds; i++) sum += JSON.parse(text.toString()).model.length;
  const parseUs = ((performance.now() - parseFrom) / parseRounds) * 1000;
  console.log(
    `${name.padEnd(34)} ${body.length} bytes: peek ${peekUs.toFixed(2)} us, JSON.parse ${parseUs.toFixed(2)} us`,
  );
  if (sum < 0) throw new Error("unreachable");
}

const request = (messages: unknown[], extra: object = {}): Uint8Array =>
  Buffer.from(JSON.stringify({ model: "openai/gpt-5.4", messages, stream: true, ...extra }));
const sentence = "The quick brown fox jumps over the lazy dog. ";

run("1 KB, one message", request([{ role: "user", content: sentence.repeat(20) }]), 200_000);
run(
  "1 KB, many small members",
  request(Array.from({ length: 12 }, (_, i) => ({ role: i % 2 ? "assistant" : "user", content: sentence }))),
  200_000,
);
run(
  "10 KB, tools",
  request([{ role: "user", content: "hi" }], {
    tools: Array.from({ length: 30 }, (_, i) => ({
      type: "function",
      function: {
        name: `tool_${i}`,
        description: sentence,
        parameters: {
          type: "object",
          properties: { a: { type: "string" }, b: { type: "number" } },
          required: ["a"],
        },
      },
    })),
  }),
  20_000,
);
run(
  "5 MB, five long strings",
  request(Array.from({ length: 5 }, () => ({ role: "user", content: "x".repeat(1e6) }))),
  200,
);
run(
  "5 MB, prose with escapes",
  request([{ role: "user", content: `${sentence}\n"Yes," he said.\n`.repeat(60_000) }]),
  20,
);
run(
  "5 MB, many short strings",
  request(Array.from({ length: 70_000 }, () => ({ role: "user", content: sentence }))),
  20,
);

const small = request([{ role: "user", content: sentence.repeat(20) }]);
const peek = peekRequest("openai-chat", small);
const { usageOption } = DIALECTS["openai-chat"];
const from = performance.now();
let size = 0;
for (let i = 0; i < 100_000; i++)
  size +=
    rewriteRequest(small, peek, null, usageOption).length +
    rewriteRequest(small, peek, "gpt-5.4", null).length;
console.log(`usage option + model, 1 KB: ${((performance.now() - from) / 100).toFixed(2)} us, ${size}`);
