/** Shapes and spellings of the Messages API, as loose as reality: what is read is a `JsonObject` until a field has been looked at. */
import { isObject, type JsonObject } from "../../core/json.ts";
import { parseJson } from "../../wire/json.ts";

/** The maker of this dialect's seals. */
export const MAKER = "anthropic";

/** What Claude Code's line on who is billed begins with, the first of its instructions. */
export const ATTRIBUTION = "x-anthropic-billing-header";

/** What the API takes as the id of a call. */
export const CALL_ID = { isAllowed: /^[a-zA-Z0-9_-]+$/, maxChars: 128, prefix: "toolu_" } as const;

export interface WireCacheControl {
  readonly type: "ephemeral";
  readonly ttl?: "5m" | "1h";
}

/** Any block of content, mutable as long as the request is being built: cache marks are taken back when there are too many. */
export interface WireBlock {
  type: string;
  cache_control?: WireCacheControl;
  [member: string]: unknown;
}

export interface WireMessage {
  readonly role: "user" | "assistant" | "system";
  readonly content: readonly WireBlock[];
}

/** The provider's own web search, which all its models that search take. */
export const WEB_SEARCH_TYPE = "web_search_20250305";
export const WEB_SEARCH_NAME = "web_search";

/** A block as it came, for a seal: JSON text of one block, or of a list of them. */
export function rawBlocks(data: string): readonly JsonObject[] | null {
  const value = parseJson(data);
  const blocks = Array.isArray(value) ? value : [value];
  return blocks.every(isObject) ? blocks : null;
}
