/** The codec of the Messages API. */
import type { Codec } from "../codec.ts";
import { countOf } from "../shared/token-count.ts";
import { amend, continueReply } from "./amend.ts";
import { decodeReply } from "./reply-decode.ts";
import { encodeReply } from "./reply-encode.ts";
import { decodeRequest } from "./request-decode.ts";
import { encodeRequest } from "./request-encode.ts";
import { MessagesStreamDecoder } from "./stream-decode.ts";
import { MessagesStreamEncoder } from "./stream-encode.ts";
import { MAKER } from "./wire.ts";

export const anthropicMessagesCodec: Codec = {
  name: "anthropic-messages",
  maker: MAKER,
  carriesSeals: true,
  showsReasoning: true,
  keepsCutCalls: "streamed",
  pauses: "searching",
  takesUrls: ({ messagesUrls }) => (messagesUrls ? ["image", "document"] : []),
  fieldNames: {
    temperature: "temperature",
    topP: "top_p",
    topK: "top_k",
    seed: null,
    frequencyPenalty: null,
    presencePenalty: null,
    logitBias: null,
    candidates: null,
    logprobs: null,
    stop: "stop_sequences",
    maxOutputTokens: "max_tokens",
    toolChoice: "tool_choice",
    parallelToolCalls: "tool_choice.disable_parallel_tool_use",
    reasoning: "thinking",
    verbosity: null,
    output: "output_config.format",
    outputModalities: null,
    userId: "metadata.user_id",
    metadata: "metadata",
    serviceTier: "service_tier",
    cacheKey: null,
    messages: "messages",
    system: "system",
    tools: "tools",
  },
  decodeRequest,
  encodeRequest,
  makeStreamDecoder: (_framing, options) => new MessagesStreamDecoder(options),
  decodeReply,
  makeStreamEncoder: (options) => new MessagesStreamEncoder(options),
  encodeReply,
  continueReply,
  amend,
  decodeCount: (body) => countOf(body.input_tokens),
  encodeCount: (inputTokens) => JSON.stringify({ input_tokens: inputTokens }),
};
