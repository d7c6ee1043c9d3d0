/**
 * The codec of every dialect. Each is loaded by the first request that needs it: a gateway that only relays needs none, and
 * most others translate between two dialects.
 */
import type { Codec } from "./codec.ts";
import type { DialectName } from "./dialect.ts";

const LOADERS: Readonly<Record<DialectName, () => Promise<Codec>>> = {
  "openai-chat": async () => (await import("./openai-chat/codec.ts")).openaiChatCodec,
  "openai-responses": async () => (await import("./openai-responses/codec.ts")).openaiResponsesCodec,
  "anthropic-messages": async () => (await import("./anthropic-messages/codec.ts")).anthropicMessagesCodec,
  gemini: async () => (await import("./gemini/codec.ts")).geminiCodec,
};

const loaded: Partial<Record<DialectName, Codec>> = {};

/** The codec of a dialect for which `loadCodecs` was called before. */
export function codecOf(dialect: DialectName): Codec {
  const codec = loaded[dialect];
  if (codec === undefined) throw new Error(`the codec of ${dialect} is not loaded`);
  return codec;
}

/** Loads the codecs of a client's dialect, and of those that its request may go out in; null: they are there. */
export function loadCodecs(client: DialectName, others: readonly DialectName[]): Promise<void> | null {
  const isThere = loaded[client] !== undefined && others.every((dialect) => loaded[dialect] !== undefined);
  return isThere ? null : load([client, ...others]);
}

async function load(dialects: readonly DialectName[]): Promise<void> {
  for (const dialect of dialects) loaded[dialect] ??= await LOADERS[dialect]();
}
