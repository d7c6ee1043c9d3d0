/** A request for an answer, in no vendor's words. Absent is null: nothing is said that the client did not say. */

import type { JsonObject } from "../core/json.ts";
import type { CacheHint, Message, TextPart } from "./message.ts";
import type { Effort } from "./traits.ts";

export type { JsonObject };

export interface FunctionTool {
  readonly kind: "function";
  readonly name: string;
  readonly namespace: string | null;
  readonly description: string | null;
  /** JSON Schema; null: it takes no arguments. */
  readonly parameters: JsonObject | null;
  readonly strict: boolean | null;
  /** Not shown to the model until a search of the tools finds it. */
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
  /** What the input has to look like; null: any text. */
  readonly grammar: { readonly syntax: "lark" | "regex"; readonly definition: string } | null;
  readonly at: string;
}

/** Web search by the provider itself. */
export interface WebSearchTool {
  readonly kind: "web-search";
  readonly allowedDomains: readonly string[] | null;
  readonly blockedDomains: readonly string[] | null;
  readonly maxUses: number | null;
  /** The approximate place of the user; members `city`, `region`, `country`, `timezone`. */
  readonly userLocation: JsonObject | null;
  readonly contextSize: "low" | "medium" | "high" | null;
  /** false: only what the provider has cached (Responses' `external_web_access`). */
  readonly externalAccess: boolean | null;
  readonly at: string;
}

/** Any other tool that its provider runs: for upstreams of that maker only. */
export interface HostedTool {
  readonly kind: "hosted";
  readonly maker: string;
  /** The vendor's type. */
  readonly type: string;
  readonly raw: JsonObject;
  readonly at: string;
}

export type Tool = FunctionTool | CustomTool | WebSearchTool | HostedTool;

/** Which tool, by the client's name for it. */
export interface ToolName {
  readonly name: string;
  readonly namespace: string | null;
}

export type ToolChoice =
  | { readonly mode: "auto" | "none" | "required" }
  | { readonly mode: "tool"; readonly tool: ToolName }
  | { readonly mode: "subset"; readonly tools: readonly ToolName[]; readonly isRequired: boolean }
  | { readonly mode: "web-search" };

export interface Sampling {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly seed: number | null;
  readonly frequencyPenalty: number | null;
  readonly presencePenalty: number | null;
  readonly logitBias: JsonObject | null;
}

/** How to think. All null: nothing was said, the model does as it does. */
export interface ReasoningRequest {
  readonly effort: Effort | null;
  readonly budgetTokens: number | null;
  /** The model decides how much (adaptive, dynamic budget). */
  readonly isDynamic: boolean;
  /** Whether the thinking's text shall be shown; null: as the model does. */
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
  /** Instructions in front of the conversation, one part each, never joined. */
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | null;
  readonly parallelToolCalls: boolean | null;
  readonly maxOutputTokens: number | null;
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  /** Answers wanted; 1 unless said otherwise. */
  readonly candidates: number;
  /** Number of alternatives per token; null: no log-probabilities. */
  readonly logprobs: number | null;
  readonly reasoning: ReasoningRequest | null;
  readonly verbosity: "low" | "medium" | "high" | null;
  readonly output: OutputFormat | null;
  /** What the answer shall be made of beside text: `image`, `audio`. */
  readonly outputModalities: readonly string[];
  /** Whom the request is for, as the client says. */
  readonly userId: string | null;
  readonly metadata: JsonObject | null;
  readonly serviceTier: string | null;
  /** Keeps the requests of one conversation at one cache. */
  readonly cacheKey: string | null;
  /** Cache as much of the prompt as there is, without marks. */
  readonly cacheWhole: CacheHint | null;
}

/** The parameters that a target may lack. Each client dialect has its own name for those that it knows (`Codec.fieldNames`). */
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

/** Something that could not be carried, or was changed. */
export interface Drop {
  /** A `Parameter`, or where it stood in the client's request (`tools[2].strict`). */
  readonly field: string;
  /** One sentence without a full stop: what was done, and why. */
  readonly reason: string;
}
