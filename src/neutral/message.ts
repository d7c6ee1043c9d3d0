/**
 * The messages of a conversation, without any vendor's words and finer than every wire, so that each dialect
 * fits in. A part that a target may have to refuse has its position in the client's request (`at`).
 */

/**
 * State that only its maker can read: signatures of thinking, encrypted reasoning. Sent back to its maker
 * only.
 */
export interface Seal {
  /** Family of the maker: `anthropic`, `openai`, `gemini`. */
  readonly maker: string;
  /**
   * The owner of the seal: a part of reasoning, reasoning that is wholly hidden, a tool call, a text, or raw
   * blocks of the provider.
   */
  readonly place: "reasoning" | "redacted" | "call" | "text" | "raw";
  readonly data: string;
}

/** A mark up to which the prompt must be cached; null: for the target's usual time. */
export interface CacheHint {
  readonly ttl: "5m" | "30m" | "1h" | "12h" | "24h" | null;
}

/** The source of media. */
export type MediaSource =
  /** `data` is standard base64. */
  | { readonly kind: "base64"; readonly mimeType: string; readonly data: string }
  | { readonly kind: "url"; readonly url: string; readonly mimeType: string | null }
  /** A file at a provider, owned by a credential: only upstreams of that maker can use it. */
  | { readonly kind: "provider-file"; readonly id: string; readonly maker: string };

/**
 * A source that the answer refers to. Offsets are Unicode code points within the text part; `end` is
 * exclusive.
 */
export type Annotation =
  | {
      readonly kind: "url";
      readonly url: string;
      readonly title: string | null;
      readonly citedText: string | null;
      /** null: the annotation is about the whole part. */
      readonly start: number | null;
      readonly end: number | null;
    }
  | {
      readonly kind: "document";
      /** Index among the documents of the conversation. */
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
  /** Responses only: `commentary` or `final_answer`, sent back unchanged. */
  readonly phase?: string | null;
}

export interface ImagePart {
  readonly type: "image";
  readonly source: MediaSource;
  /** `low`, `high`, `auto`, `original`; null: not given. */
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
  /** The answer must cite the document. */
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

export interface ToolResultPart {
  readonly type: "tool-result";
  readonly callId: string;
  /** null: unknown, the call has the name. */
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

/** Thinking as text (a summary or the original), as a seal, or both. */
export interface ReasoningPart {
  readonly type: "reasoning";
  /** Empty when there is only a seal. */
  readonly text: string;
  readonly seal: Seal | null;
}

export interface ToolCallPart {
  readonly type: "tool-call";
  readonly id: string;
  readonly name: string;
  /** Responses only: the namespace of the tool. */
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
  /** The maker's own blocks as JSON text, to send back to the maker. */
  readonly raw: Seal | null;
}

/** A block that only its maker's dialect has (code execution, computer use …), as JSON text. */
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
  /** Position in the client's request, for a target that does not accept the message at the end. */
  readonly at?: string;
}

/** Instructions between the turns. Instructions before the first turn are `ModelRequest.system`. */
export interface SystemMessage {
  readonly role: "system";
  readonly parts: readonly TextPart[];
}

export type Message = UserMessage | AssistantMessage | SystemMessage;
