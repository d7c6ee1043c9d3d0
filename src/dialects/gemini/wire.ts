import type { JsonObject } from "../../core/json.ts";
/** generateContent as it is on the wire, as loose as reality. Vendor spelling lives in this folder only. */

/** A part as we write it. */
export interface WirePart {
  readonly text?: string;
  readonly thought?: true;
  readonly inlineData?: { readonly mimeType: string; readonly data: string };
  readonly fileData?: { readonly mimeType?: string; readonly fileUri: string };
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args: JsonObject };
  readonly functionResponse?: WireResult;
  /** Standard base64, on any part. */
  readonly thoughtSignature?: string;
}

export interface WireResult {
  readonly id?: string;
  readonly name: string;
  readonly response: JsonObject;
  readonly parts?: readonly WirePart[];
}

export interface WireContent {
  readonly role: "user" | "model";
  readonly parts: readonly (WirePart | JsonObject)[];
}

/** Counts of one reply; in a stream they are running totals. */
export interface WireUsage {
  readonly promptTokenCount: number;
  readonly cachedContentTokenCount?: number;
  readonly candidatesTokenCount: number;
  readonly thoughtsTokenCount?: number;
  readonly totalTokenCount: number;
}

/** Parts that only Google's own tools make; kept whole, for its models alone. */
export const OPAQUE_MEMBERS: readonly string[] = [
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
];

/** Stands for the signature of a call that has none; documented by Google for calls that other models made. */
export const DUMMY_SIGNATURE = "skip_thought_signature_validator";

/** What clients write where they have no signature: nothing is sealed in them. */
export const DUMMY_SIGNATURES: readonly string[] = [DUMMY_SIGNATURE, "context_engineering_is_the_way_to_go"];

/** The spelling of the name in the object: both count, and only one of them may be there. */
export function nameIn(object: JsonObject, name: string): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return !Object.hasOwn(object, name) && Object.hasOwn(object, snake) ? snake : name;
}

/** null: neither spelling is there. */
export function memberIn(object: JsonObject, name: string): unknown {
  const found = nameIn(object, name);
  return Object.hasOwn(object, found) ? (object[found] ?? null) : null;
}

/** The object with a member set in its place, or behind the others. */
export function withMember(object: JsonObject, name: string, value: unknown): JsonObject {
  return { ...object, [nameIn(object, name)]: value };
}
