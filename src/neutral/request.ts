/** A request for an answer, without any vendor's words. null: the client did not mention the member. */
import type { JsonObject } from "../core/json.ts";
import type { CacheHint, Message, TextPart } from "./message.ts";
import type { Effort } from "./traits.ts";

export interface FunctionTool {
  readonly kind: "function";
  readonly name: string;
  readonly namespace: string | null;
  readonly description: string | null;
  /** JSON Schema; null: the tool takes no arguments. */
  readonly parameters: JsonObject | null;
  readonly strict: boolean | null;
  /** Hidden from the model until a tool search finds it. */
  readonly isDeferred: boolean;
  readonly cache: CacheHint | null;
  readonly at: string;
}

/** A tool whose input is free text. */
export interface CustomTool {
  readonly kind: "custom";
  readonly name: string;
  readonly namespace: string | null;
  readonly description: string | null;
  /** Format of the input; null: any text. */
  readonly grammar: { readonly syntax: "lark" | "regex"; readonly definition: string } | null;
  readonly at: string;
}

/** Web search by the provider itself. */
export interface WebSearchTool {
  readonly kind: "web-search";
  readonly allowedDomains: readonly string[] | null;
  readonly blockedDomains: readonly string[] | null;
  readonly maxUses: number | null;
  /** Approximate location of the user; members `city`, `region`, `country`, `timezone`. */
  readonly userLocation: JsonObject | null;
  readonly contextSize: "low" | "medium" | "high" | null;
  /** false: only pages that the provider has cached (`external_web_access` of Responses). */
  readonly externalAccess: boolean | null;
  readonly at: string;
}

/** Any other tool that the provider runs: only upstreams of that maker have it. */
export interface HostedTool {
  readonly kind: "hosted";
  readonly maker: string;
  /** Type of the tool, as the vendor names it. */
  readonly type: string;
  readonly raw: JsonObject;
  readonly at: string;
}

export type Tool = FunctionTool | CustomTool | WebSearchTool | HostedTool;

/** Choice of a tool, by the client's name. */
export interface ToolName {
  readonly name: string;
  readonly namespace: string | null;
}

export type ToolChoice =
  | { readonly mode: "auto" | "none" | "required" }
  | { readonly mode: "tool"; readonly tool: ToolName }
  | { readonly mode: "subset"; readonly tools: readonly ToolName[]; readonly isRequired: boolean }
  | { readonly mode: "web-search" };

/** A parameter that only some servers have. */
export interface ExtraSampling {
  /** As servers of Chat Completions call it. */
  readonly name: string;
  readonly value: number;
  /** Position in the client's request. */
  readonly at: string;
}

export interface Sampling {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly seed: number | null;
  readonly frequencyPenalty: number | null;
  readonly presencePenalty: number | null;
  readonly logitBias: JsonObject | null;
  /** Absent: none. */
  readonly extra?: readonly ExtraSampling[];
}

/** How to think. All null: the model's default. */
export interface ReasoningRequest {
  readonly effort: Effort | null;
  readonly budgetTokens: number | null;
  /** The model decides the amount (adaptive, dynamic budget). */
  readonly isDynamic: boolean;
  /** Whether the text of the thinking is wanted; null: the model's default. */
  readonly isShown: boolean | null;
}

export type OutputFormat =
  | { readonly kind: "json" }
  | {
      readonly kind: "json-schema";
      readonly name: string | null;
      readonly description: string | null;
      readonly schema: JsonObject;
      readonly strict: boolean | null;
    };

export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Instructions before the conversation, one part each, never joined. */
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | null;
  readonly parallelToolCalls: boolean | null;
  readonly maxOutputTokens: number | null;
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  /** Number of answers. */
  readonly candidates: number;
  /** Number of alternatives per token; null: no log-probabilities. */
  readonly logprobs: number | null;
  readonly reasoning: ReasoningRequest | null;
  readonly verbosity: "low" | "medium" | "high" | null;
  readonly output: OutputFormat | null;
  /** Media that the answer may contain beside text: `image`, `audio`. */
  readonly outputModalities: readonly string[];
  /** The end user, as the client names them. */
  readonly userId: string | null;
  readonly metadata: JsonObject | null;
  readonly serviceTier: string | null;
  /** Routes the requests of one conversation to one cache. */
  readonly cacheKey: string | null;
  /** Cache as much of the prompt as possible, without marks. */
  readonly cacheWhole: CacheHint | null;
}

/** The parameters that a target may not have. `Codec.fieldNames` gives the client dialect's name of each. */
export type Parameter =
  | "temperature"
  | "topP"
  | "topK"
  | "seed"
  | "frequencyPenalty"
  | "presencePenalty"
  | "logitBias"
  | "candidates"
  | "logprobs"
  | "stop"
  | "maxOutputTokens"
  | "toolChoice"
  | "parallelToolCalls"
  | "reasoning"
  | "verbosity"
  | "output"
  | "outputModalities"
  | "userId"
  | "metadata"
  | "serviceTier"
  | "cacheKey"
  | "messages"
  | "system"
  | "tools";

/** A part of the request that was left out or changed. */
export interface Drop {
  /** A `Parameter`, or the position in the client's request (`tools[2].strict`). */
  readonly field: string;
  /** The change and its reason, in one sentence without a full stop. */
  readonly reason: string;
}
