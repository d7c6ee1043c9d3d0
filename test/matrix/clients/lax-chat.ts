/**
 * A client of Chat Completions that takes what servers send: every member of a message is kept and given back, reasoning
 * and usage are read wherever they stand.
 */
import type { Client, Ending, Json, Told, Usage } from "../conversation.ts";
import { events } from "../wire.ts";
import { openaiChat } from "./openai-chat.ts";

export const laxChat: Client = {
  ...openaiChat,
  readWhole: (body) => readMessage(body as Json),
  readStream: (text) => readMessage(foldChunks(text)),
};

/** The completion that a stream adds up to. */
export function foldChunks(text: string): Json {
  const message: Record<string, unknown> = { role: "assistant" };
  let finish: unknown = null;
  let usage: unknown = null;
  for (const { data } of events(text)) {
    if (data === "[DONE]") continue;
    const chunk = JSON.parse(data) as Json;
    const [choice] = (chunk.choices ?? []) as Json[];
    usage = usageAt(chunk, choice) ?? usage;
    if (choice === undefined) continue;
    finish = choice.finish_reason ?? finish;
    for (const [name, value] of Object.entries((choice.delta ?? {}) as Json)) addMember(message, name, value);
  }
  return { choices: [{ index: 0, message, finish_reason: finish }], usage };
}

function addMember(message: Record<string, unknown>, name: string, value: unknown): void {
  const before = message[name];
  if (name === "role" || value === null) return;
  if (name === "tool_calls") {
    const calls = [...((before as Json[] | undefined) ?? [])];
    for (const { index, ...fragment } of value as Json[]) {
      const at = index as number;
      const old = calls[at];
      const part = fragment.function as Json;
      const joined = {
        name: `${old === undefined ? "" : (old.function as Json).name}${part.name ?? ""}`,
        arguments: `${old === undefined ? "" : (old.function as Json).arguments}${part.arguments ?? ""}`,
      };
      calls[at] = { ...fragment, ...old, function: joined };
    }
    message[name] = calls;
  } else if (Array.isArray(value)) message[name] = [...listOf(before), ...value];
  else if (typeof value !== "string") message[name] = value;
  else if (Array.isArray(before))
    message[name] = value === "" ? before : [...before, { type: "text", text: value }];
  else message[name] = `${(before as string | undefined) ?? ""}${value}`;
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null || value === "" ? [] : [{ type: "text", text: value }];
}

function usageAt(chunk: Json, choice: Json | undefined): unknown {
  return chunk.usage ?? choice?.usage ?? (chunk.x_groq as Json | undefined)?.usage ?? null;
}

const ENDINGS: Readonly<Record<string, Ending>> = { stop: "end", tool_calls: "calls", length: "length" };

function readMessage(completion: Json): Told {
  const [choice] = completion.choices as Json[];
  const { refusal: _, annotations: __, ...message } = (choice?.message ?? {}) as Json;
  const kept = Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null));
  const usage = usageAt(completion, choice) as Json | null;
  return {
    text: textOf(message.content),
    reasoning: reasoningOf(message),
    calls: ((message.tool_calls ?? []) as Json[]).map(({ id, function: part }) => ({
      id: id as string,
      name: (part as Json).name as string,
      args: JSON.parse((part as Json).arguments as string),
    })),
    ending: ENDINGS[String(choice?.finish_reason)] ?? null,
    stopped: null,
    usage: usage === null ? null : readUsage(usage),
    citations: [],
    refusal: null,
    trouble: null,
    native: [kept],
  };
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === "string" ? content : "";
  return content.map((part: Json) => (part.type === "text" ? part.text : "")).join("");
}

function reasoningOf(message: Json): string {
  const chunks = (Array.isArray(message.content) ? message.content : []) as Json[];
  const thought = chunks
    .flatMap((part) => ((part.thinking ?? []) as Json[]).map(({ text }) => text))
    .join("");
  return String(message.reasoning_content ?? message.reasoning ?? thought);
}

function readUsage(usage: Json): Usage {
  const details = (usage.prompt_tokens_details ?? {}) as Json;
  const reasoning = Number(((usage.completion_tokens_details ?? {}) as Json).reasoning_tokens ?? 0);
  const [input, output, total] = [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens].map(
    Number,
  ) as [number, number, number];
  return {
    input,
    cached: Number(details.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens ?? 0),
    written: Number(details.cache_write_tokens ?? 0),
    // xAI counts reasoning beside the completion; its total tells.
    output: total === input + output + reasoning ? output + reasoning : output,
    reasoning,
  };
}
