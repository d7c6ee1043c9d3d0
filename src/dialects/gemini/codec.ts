/** The codec of Gemini's generateContent. */
import type { JsonObject } from "../../core/json.ts";
import type { ModelReply } from "../../neutral/event.ts";
import type { Codec } from "../codec.ts";
import { countOf } from "../shared/token-count.ts";
import { amend } from "./amend.ts";
import { embeddings } from "./embeddings/codec.ts";
import { decodeReply } from "./reply-decode.ts";
import { encodeReply } from "./reply-encode.ts";
import { decodeRequest } from "./request-decode.ts";
import { encodeRequest } from "./request-encode.ts";
import { MAKER } from "./seal.ts";
import { makeStreamDecoder } from "./stream-decode.ts";
import { GeminiStreamEncoder } from "./stream-encode.ts";

export const geminiCodec: Codec = {
  name: "gemini",
  maker: MAKER,
  // Gemini CLI sends no thoughts in its history.
  carriesSeals: false,
  showsReasoning: false,
  keepsCutCalls: "never",
  pauses: "anytime",
  takesUrls: () => ["image", "document", "audio", "video"],
  fieldNames: {
    temperature: "generationConfig.temperature",
    topP: "generationConfig.topP",
    topK: "generationConfig.topK",
    seed: "generationConfig.seed",
    frequencyPenalty: "generationConfig.frequencyPenalty",
    presencePenalty: "generationConfig.presencePenalty",
    logitBias: null,
    candidates: "generationConfig.candidateCount",
    logprobs: "generationConfig.responseLogprobs",
    stop: "generationConfig.stopSequences",
    maxOutputTokens: "generationConfig.maxOutputTokens",
    toolChoice: "toolConfig.functionCallingConfig",
    parallelToolCalls: null,
    reasoning: "generationConfig.thinkingConfig",
    verbosity: null,
    output: "generationConfig.responseMimeType",
    outputModalities: "generationConfig.responseModalities",
    userId: null,
    metadata: "labels",
    serviceTier: "serviceTier",
    cacheKey: null,
    messages: "contents",
    system: "systemInstruction",
    tools: "tools",
  },
  decodeRequest,
  encodeRequest,
  makeStreamDecoder,
  decodeReply: (body, options) => decodeReply(body, options.idSeed),
  makeStreamEncoder: (options) => new GeminiStreamEncoder(options),
  encodeReply,
  continueReply,
  amend,
  embeddings,
  decodeCount: (body) => countOf(body.totalTokens),
  encodeCount: (inputTokens) => JSON.stringify({ totalTokens: inputTokens }),
};

/** Google keeps its answer: the same request with the token continues it. */
function continueReply(body: JsonObject, { stop }: ModelReply): JsonObject | null {
  return stop.token === null ? null : { ...body, continuationToken: stop.token };
}
