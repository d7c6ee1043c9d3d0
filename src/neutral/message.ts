/**
 * What a conversation is made of, in no vendor's words: finer than every wire language, so that each of them fits in. Parts that a
 * target may have to refuse say where they stood in the client's request (`at`).
 */

/** Vendor state that only its maker can read: signatures of thinking, encrypted reasoning. Replayed only to its maker. */
export interface Seal {
  /** Family of the upstream that made it: `anthropic`, `openai`, `gemini`. */
  readonly maker: string;
  /** What it belongs to: a part of reasoning, reasoning that is hidden whole, a call of a tool, a text, or provider blocks kept raw. */
  readonly place: "reasoning" | "redacted" | "call" | "text" | "raw";
  /** As the maker gave it. */
  readonly data: string;
}

/** A mark up to which the prompt shall be cached; null: the target's usual time. */
export interface CacheHint {
  readonly ttl: "5m" | "30m" | "1h" | "12h" | "24h" | null;
}

/** Where media comes from. */
export type MediaSource =
  /** `data` is standard base64, as the client gave it. */
  | { readonly kind: "base64"; readonly mimeType: string; readonly data: string }
  | { readonly kind: "url"; readonly url: string; readonly mimeType: string | null }
  /** Lives at a provider under a credential: for upstreams of that maker only. */
  | { readonly kind: "provider-file"; readonly id: string; readonly maker: string };

/** A place that the answer refers to. Offsets are Unicode code points within the text part; `end` is exclusive. */
export type Annotation =
  | {
      readonly kind: "url";
      readonly url: string;
      readonly title: string | null;
      readonly citedText: string | null;
      /** null: the part as a whole. */
      readonly start: number | null;
      readonly end: number | null;
    }
  | {
      readonly kind: "document";
      /** Counted over the documents of the conversation. */
      readonly documentIndex: number;
      readonly title: string | null;
      readonly citedText: string | null;
      readonly start: number | null;
      readonly end: number | null;
    };

export interface TextPart {
  readonly type: "text";
  readonly text: string;
  readonly annotations?: readonly Annotation[];
  readonly seal?: Seal | null;
  readonly cache?: CacheHint | null;
  /** Responses: `commentary` or `final_answer`, to be returned as it was. */
  readonly phase?: string | null;
}

export interface ImagePart {
  readonly type: "image";
  readonly source: MediaSource;
  /** `low`, `high`, `auto`, `original`; null: not said. */
  readonly detail?: string | null;
  readonly cache?: CacheHint | null;
  readonly at: string;
}

export interface DocumentPart {
  readonly type: "document";
  readonly source:
    | MediaSource
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "parts"; readonly parts: readonly (TextPart | ImagePart)[] };
  /** Title or file name. */
  readonly title: string | null;
  readonly context?: string | null;
  /** The answer shall cite it. */
  readonly citations?: boolean;
  readonly cache?: CacheHint | null;
  readonly at: string;
}

export interface AudioPart {
  readonly type: "audio";
  readonly source: MediaSource;
  readonly at: string;
}

export interface VideoPart {
  readonly type: "video";
  readonly source: MediaSource;
  readonly at: string;
}

/** What a tool gave back. */
export interface ToolResultPart {
  readonly type: "tool-result";
  readonly callId: string;
  /** null: to be looked up by the call. */
  readonly name: string | null;
  readonly content: readonly (TextPart | ImagePart | DocumentPart | AudioPart)[];
  readonly isError: boolean;
  readonly cache?: CacheHint | null;
  readonly at: string;
}

export interface RefusalPart {
  readonly type: "refusal";
  readonly text: string;
}

/** Thinking, as text (a summary or the thing itself), as a seal, or both. */
export interface ReasoningPart {
  readonly type: "reasoning";
  /** Empty when only the seal is there. */
  readonly text: string;
  readonly seal: Seal | null;
}

/** The model calls a tool of the client. */
export interface ToolCallPart {
  readonly type: "tool-call";
  readonly id: string;
  readonly name: string;
  /** Responses: the namespace that the tool stands in. */
  readonly namespace: string | null;
  readonly kind: "function" | "custom";
  /** `function`: JSON text of the arguments ("" counts as `{}`). `custom`: the input itself. */
  readonly input: string;
  readonly seal?: Seal | null;
  readonly cache?: CacheHint | null;
}

/** The provider searched the web while it answered. */
export interface SearchPart {
  readonly type: "search";
  readonly id: string;
  readonly queries: readonly string[];
  readonly sources: readonly { readonly url: string; readonly title: string | null }[];
  /** The maker's own blocks as JSON text, for its next turn. */
  readonly raw: Seal | null;
}

/** Something that only its maker's dialect has (code execution, computer use …), kept as JSON text. */
export interface OpaquePart {
  readonly type: "opaque";
  /** The vendor's name of the block or item. */
  readonly name: string;
  readonly raw: Seal;
  readonly at: string;
}

export type UserPart = TextPart | ImagePart | DocumentPart | AudioPart | VideoPart | ToolResultPart;
export type AssistantPart =
  | TextPart
  | RefusalPart
  | ReasoningPart
  | ToolCallPart
  | SearchPart
  | ImagePart
  | OpaquePart;

export interface UserMessage {
  readonly role: "user";
  readonly parts: readonly UserPart[];
  /** Chat's participant name. */
  readonly name?: string | null;
}

export interface AssistantMessage {
  readonly role: "assistant";
  readonly parts: readonly AssistantPart[];
  readonly name?: string | null;
  /** Where it stood in the client's request, for a target that cannot have it last. */
  readonly at?: string;
}

/** Instructions between the turns; those in front of them are `ModelRequest.system`. */
export interface SystemMessage {
  readonly role: "system";
  readonly parts: readonly TextPart[];
}

export type Message = UserMessage | AssistantMessage | SystemMessage;
