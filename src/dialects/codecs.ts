/** The codec of every dialect. */
import { anthropicMessagesCodec } from "./anthropic-messages/codec.ts";
import type { Codec } from "./codec.ts";
import type { DialectName } from "./dialect.ts";
import { geminiCodec } from "./gemini/codec.ts";
import { openaiChatCodec } from "./openai-chat/codec.ts";
import { openaiResponsesCodec } from "./openai-responses/codec.ts";

/** Every codec by its dialect's name. */
export const CODECS: Readonly<Record<DialectName, Codec>> = {
  "openai-chat": openaiChatCodec,
  "openai-responses": openaiResponsesCodec,
  "anthropic-messages": anthropicMessagesCodec,
  gemini: geminiCodec,
};
