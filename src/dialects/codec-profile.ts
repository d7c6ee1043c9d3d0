/**
 * Facts about the server that a request is encoded for. A codec reads them in place of a vendor's name; who
 * has which is said in `upstreams/profiles.ts` and `upstreams/servers/`.
 */

import type { CallIdRule } from "../neutral/conversation/call-ids.ts";
import type { ThinkingSwitch } from "../neutral/traits.ts";

export interface CodecProfile {
  /** Chat: the parameter that bounds the answer of a model that takes both. */
  readonly limitParameter: "max_tokens" | "max_completion_tokens";
  /** The role of instructions: in Responses, and on Chat to models that think. */
  readonly instructionRole: "developer" | "system";
  /** Chat and Responses: the parameter that names the end user. */
  readonly userParameter: "user" | "safety_identifier";
  /** Chat: tools of type `custom`. Elsewhere a custom tool goes out as a function. */
  readonly customTools: boolean;
  /** Chat: a choice among some of the tools (`allowed_tools`). Elsewhere only those tools are shown. */
  readonly toolSubsets: boolean;
  /** Chat: null when the server's limit is not known. */
  readonly maxTemperature: number | null;
  /** Chat: tiers of service other than the default one. */
  readonly serviceTiers: boolean;
  /** Chat: `prompt_cache_key` and `prompt_cache_retention`. */
  readonly cacheKeys: boolean;
  /** Chat: marks of the prompt cache on parts, for models that take them. */
  readonly cacheBreakpoints: boolean;
  /** Chat: answers may be stored, so `store: false` is sent. */
  readonly storesAnswers: boolean;
  /** Chat: ids of files that were uploaded to OpenAI. */
  readonly fileIds: boolean;
  /** Chat: MIME types of images that are read; null: not known, so every type is sent. */
  readonly imageTypes: ReadonlySet<string> | null;
  /** Chat and Responses: MIME types of sound that is heard; null: not known, so every type is sent. */
  readonly audioTypes: ReadonlySet<string> | null;
  /** Gemini: vectors come from `predict`, as on Vertex AI. */
  readonly predictsEmbeddings: boolean;
  /** Messages: images and documents that are named by their URLs. */
  readonly messagesUrls: boolean;
  /** Chat: parts of type `video_url`, for models that take video. */
  readonly videoParts: boolean;
  /** Chat: an assistant message's member `refusal`. Elsewhere a refusal is sent as text. */
  readonly refusals: boolean;
  /**
   * Chat: several texts stay parts of one message. Elsewhere they are joined, because chat templates join
   * them in different ways.
   */
  readonly textParts: boolean;
  /** Chat: streams are asked for their usage by `stream_options`. Elsewhere it comes unasked. */
  readonly usageOption: boolean;
  /** Chat: the ids that calls and their results may have. */
  readonly callIds: CallIdRule;
  /**
   * Chat: the members of the assistant's turns in which the server takes reasoning back, the one for its text first;
   * null: not known, so reasoning goes back in the members in which it came.
   */
  readonly reasoningMembers: readonly string[] | null;
  /** Chat: where a model wants reasoning on every turn, an empty text is one. Elsewhere it counts as missing. */
  readonly emptyReasoning: boolean;
  /** Chat: the member that switches thinking, for all models of the server; null: the model's (`ChatTraits`). */
  readonly thinkingSwitch: ThinkingSwitch | null;
  /** Chat: when a tool can be forced; null: the model says it. */
  readonly forcedTools: "always" | "unless-thinking" | "never" | null;
  /**
   * Chat: marks `cache_control` for models that need them. The mark of a tool's result stands on its last part or on
   * its message; null: the server takes no marks.
   */
  readonly cacheMarks: "parts" | "messages" | null;
  /** Chat: parameters of sampling beyond OpenAI's (`top_k`, `min_p`); null: not known, so all are sent. */
  readonly extraSampling: ReadonlySet<string> | null;
}
