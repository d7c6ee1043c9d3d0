/** The codec of OpenAI's Responses API. */

import type { Codec } from "../codec.ts";
import { countOf } from "../shared/token-count.ts";
import { amend } from "./amend.ts";
import { decodeReply } from "./reply-decode.ts";
import { encodeReply } from "./reply-encode.ts";
import { decodeRequest } from "./request-decode.ts";
import { encodeRequest } from "./request-encode.ts";
import { MAKER } from "./seal.ts";
import { ResponsesStreamDecoder } from "./stream-decode.ts";
import { ResponsesStreamEncoder } from "./stream-encode.ts";

export const openaiResponsesCodec: Codec = {
  name: "openai-responses",
  maker: MAKER,
  carriesSeals: true,
  showsReasoning: true,
  keepsCutCalls: "always",
  pauses: "never",
  takesUrls: () => ["image", "document"],
  fieldNames: {
    temperature: "temperature",
    topP: "top_p",
    topK: null,
    seed: null,
    frequencyPenalty: null,
    presencePenalty: null,
    logitBias: null,
    candidates: null,
    logprobs: "top_logprobs",
    stop: null,
    maxOutputTokens: "max_output_tokens",
    toolChoice: "tool_choice",
    parallelToolCalls: "parallel_tool_calls",
    reasoning: "reasoning",
    verbosity: "text.verbosity",
    output: "text.format",
    outputModalities: null,
    userId: "safety_identifier",
    metadata: "metadata",
    serviceTier: "service_tier",
    cacheKey: "prompt_cache_key",
    messages: "input",
    system: "instructions",
    tools: "tools",
  },
  decodeRequest,
  encodeRequest,
  makeStreamDecoder: (_framing, options) => new ResponsesStreamDecoder(options),
  decodeReply,
  makeStreamEncoder: (options) => new ResponsesStreamEncoder(options),
  encodeReply,
  continueReply: () => null,
  amend,
  decodeCount: (body) => countOf(body.input_tokens),
  encodeCount: (inputTokens) =>
    JSON.stringify({ object: "response.input_tokens", input_tokens: inputTokens }),
};
