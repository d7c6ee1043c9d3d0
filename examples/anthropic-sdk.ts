// Anthropic's SDK at the gateway: a streamed message.
import Anthropic from "@anthropic-ai/sdk";

const url = process.env.CLEWLINE_URL ?? "http://127.0.0.1:8484";
const model = process.argv[2] ?? "claude-haiku-4-5";
// The base URL of Anthropic's SDKs has no /v1.
const client = new Anthropic({ baseURL: url, apiKey: process.env.CLEWLINE_KEY });

const stream = client.messages.stream({
  model,
  max_tokens: 200,
  messages: [{ role: "user", content: "Hello" }],
});
stream.on("text", (text) => process.stdout.write(text));
const { stop_reason, usage } = await stream.finalMessage();
process.stdout.write(`\n${stop_reason}, ${usage.output_tokens} output tokens\n`);
