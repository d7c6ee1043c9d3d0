/** The requests that `clewline demo` sends, and where each dialect has the text of an event. */
import type { JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";

export interface Scene {
  readonly title: string;
  readonly path: string;
  readonly body: unknown;
  /** The text within one server-sent event; "" when there is none. */
  readonly textOf: (event: JsonObject) => string;
}

const QUESTION = "What is a clew? Tell me about the thread.";

export const SCENES: readonly Scene[] = [
  {
    title: "OpenAI Chat Completions",
    path: "/v1/chat/completions",
    body: { model: "gpt-5-mini", stream: true, messages: [{ role: "user", content: QUESTION }] },
    textOf: (event) => text(event, "choices", "0", "delta", "content"),
  },
  {
    title: "OpenAI Responses",
    path: "/v1/responses",
    body: { model: "gpt-5-mini", stream: true, input: QUESTION },
    textOf: (event) => (event.type === "response.output_text.delta" ? text(event, "delta") : ""),
  },
  {
    title: "Anthropic Messages",
    path: "/v1/messages",
    body: {
      model: "claude-haiku-4-5",
      max_tokens: 300,
      stream: true,
      messages: [{ role: "user", content: QUESTION }],
    },
    textOf: (event) => text(event, "delta", "text"),
  },
  {
    title: "Gemini",
    path: "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse",
    body: { contents: [{ role: "user", parts: [{ text: QUESTION }] }] },
    textOf: (event) => text(event, "candidates", "0", "content", "parts", "0", "text"),
  },
  {
    title: "An OpenAI client, answered by Claude",
    path: "/v1/chat/completions",
    body: { model: "claude-haiku-4-5", stream: true, messages: [{ role: "user", content: QUESTION }] },
    textOf: (event) => text(event, "choices", "0", "delta", "content"),
  },
  {
    title: "An Anthropic client, answered by Gemini",
    path: "/v1/messages",
    body: {
      model: "gemini-3-flash",
      max_tokens: 300,
      stream: true,
      messages: [{ role: "user", content: QUESTION }],
    },
    textOf: (event) => text(event, "delta", "text"),
  },
];

/** The text at a path of a JSON value; "" when there is none. */
function text(value: unknown, ...path: readonly string[]): string {
  let at: unknown = value;
  for (const name of path) at = Array.isArray(at) ? at[Number(name)] : isObject(at) ? at[name] : undefined;
  return typeof at === "string" ? at : "";
}
