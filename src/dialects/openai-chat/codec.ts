/** The codec of Chat Completions, for OpenAI and compatible servers. */
import type { Codec } from "../codec.ts";
import { amend } from "./amend.ts";
import { embeddings } from "./embeddings/codec.ts";
import { decodeReply } from "./reply-decode.ts";
import { encodeReply } from "./reply-encode.ts";
import { decodeRequest } from "./request-decode.ts";
import { encodeRequest, outgrows } from "./request-encode.ts";
import { MAKER } from "./seal.ts";
import { ChatStreamDecoder } from "./stream-decode.ts";
import { ChatStreamEncoder } from "./stream-encode.ts";

export const openaiChatCodec: Codec = {
  name: "openai-chat",
  maker: MAKER,
  carriesSeals: false,
  showsReasoning: true,
  keepsCutCalls: "always",
  pauses: "never",
  takesUrls: () => ["image"],
  fieldNames: {
    temperature: "temperature",
    topP: "top_p",
    topK: "top_k",
    seed: "seed",
    frequencyPenalty: "frequency_penalty",
    presencePenalty: "presence_penalty",
    logitBias: "logit_bias",
    candidates: "n",
    logprobs: "logprobs",
    stop: "stop",
    maxOutputTokens: "max_completion_tokens",
    toolChoice: "tool_choice",
    parallelToolCalls: "parallel_tool_calls",
    reasoning: "reasoning_effort",
    verbosity: "verbosity",
    output: "response_format",
    outputModalities: "modalities",
    userId: "safety_identifier",
    metadata: "metadata",
    serviceTier: "service_tier",
    cacheKey: "prompt_cache_key",
    messages: "messages",
    system: "messages",
    tools: "tools",
  },
  decodeRequest: (body) => decodeRequest(body),
  encodeRequest,
  outgrows,
  makeStreamDecoder: (_framing, options) => new ChatStreamDecoder(options),
  decodeReply,
  makeStreamEncoder: (options) => new ChatStreamEncoder(options),
  encodeReply,
  continueReply: () => null,
  amend,
  embeddings,
  decodeCount: () => null,
  encodeCount: () => null,
};
