// OpenAI's SDK at the gateway, streamed: Chat Completions, then Responses.
import OpenAI from "openai";

const url = process.env.CLEWLINE_URL ?? "http://127.0.0.1:8484";
const model = process.argv[2] ?? "gpt-5-mini";
// The base URL of OpenAI's SDKs ends in /v1.
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.CLEWLINE_KEY });

const chat = await client.chat.completions.create({
  model,
  messages: [{ role: "user", content: "Hello" }],
  stream: true,
});
for await (const chunk of chat) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");

const events = await client.responses.create({ model, input: "Hello", stream: true });
for await (const event of events) {
  if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
}
process.stdout.write("\n");
