/**
 * Requests and views of a scenario in terms of no dialect: each client writes requests and reads replies in
 * its own dialect.
 */
import type { DialectName } from "../../src/dialects/dialect.ts";
import { isObject } from "./wire.ts";

export type { DialectName };

/** The four providers behind the gateway: family and dialect. */
export type UpstreamKind = "anthropic" | "gemini" | "openai" | "compat";

export type Json = Record<string, unknown>;

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly mimeType: string; readonly data: string }
  | { readonly kind: "image-url"; readonly url: string }
  | { readonly kind: "pdf"; readonly name: string; readonly data: string };

export interface Call {
  readonly id: string;
  readonly name: string;
  readonly args: Json;
}

export interface Result {
  readonly call: Call;
  readonly content: readonly Piece[];
  readonly isError?: boolean;
}

export type Turn =
  | { readonly by: "user"; readonly pieces: readonly Piece[] }
  /** An earlier answer, in the form in which the client's SDK returns it. */
  | { readonly by: "model"; readonly told: Told }
  | { readonly by: "tools"; readonly results: readonly Result[] }
  /** Instructions between the turns. */
  | { readonly by: "system"; readonly text: string };

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** null: the tool takes no arguments. */
  readonly schema: Json | null;
}

export interface Ask {
  readonly system?: readonly string[];
  readonly turns: readonly Turn[];
  readonly tools?: readonly Tool[];
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
  /** The model thinks and shows its thinking. */
  readonly thinks?: boolean;
  /** The answer is JSON of this schema. */
  readonly schema?: Json;
  /** The provider may search the web. */
  readonly searches?: boolean;
  /** Marks the prompt for the cache, where the dialect has such marks. */
  readonly caches?: boolean;
  /** Members that only some dialects have; a dialect without a line has none. */
  readonly also?: Readonly<Partial<Record<DialectName, Json>>>;
}

/** Token counts with everything included: input with what was cached, output with the reasoning. */
export interface Usage {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
  readonly reasoning: number;
}

export interface Cited {
  readonly url: string;
  readonly title: string | null;
  /** The cited words of the answer. */
  readonly text: string;
}

/** `pause`: the provider waits for a request to continue. */
export type Ending = "end" | "calls" | "length" | "stop-sequence" | "refusal" | "pause";

/** An error as a client of the dialect reads it. */
export interface Trouble {
  /** null: the error is within a stream. */
  readonly status: number | null;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
  /** The fields that the error names beside its message. */
  readonly fields: readonly string[];
}

/** A reply as the client has read it. */
export interface Told {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
  /** null: the reply ended with an error. */
  readonly ending: Ending | null;
  /** The stop sequence that matched, where the dialect tells. */
  readonly stopped: string | null;
  readonly usage: Usage | null;
  readonly citations: readonly Cited[];
  readonly refusal: string | null;
  readonly trouble: Trouble | null;
  /** The answer's part of the client's history. */
  readonly native: readonly unknown[];
}

/** A request as it goes over the socket. */
export interface WireRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** Thrown when a dialect cannot express a request. */
export class NoWords extends Error {}

/** A client that writes and reads one dialect. It shares nothing with the program under test. */
export interface Client {
  readonly dialect: DialectName;
  /** Throws `NoWords`. */
  write(ask: Ask, model: string, isStream: boolean): WireRequest;
  /** The request that counts its input tokens; throws `NoWords`. */
  writeCount(ask: Ask, model: string): WireRequest;
  /** Throws `WireFault` where a reply breaks the grammar. */
  readWhole(body: unknown): Told;
  readStream(text: string): Told;
  readCount(body: unknown): number;
  readTrouble(status: number, body: unknown): Trouble;
}

/** The body with the members that the dialect has beside; throws `NoWords` where it has none. */
export function withOthers(body: Json, { also }: Ask, dialect: DialectName): Json {
  if (also === undefined) return body;
  const others = also[dialect];
  if (others === undefined) throw new NoWords(`${dialect} has no such member`);
  const merged = Object.entries(others).map(([name, value]) => {
    const own = body[name];
    return [name, isObject(own) && isObject(value) ? { ...own, ...value } : value];
  });
  return { ...body, ...Object.fromEntries(merged) };
}

export function say(text: string): Piece {
  return { kind: "text", text };
}

export function user(...pieces: readonly (string | Piece)[]): Turn {
  return { by: "user", pieces: pieces.map((piece) => (typeof piece === "string" ? say(piece) : piece)) };
}

export function model(told: Told): Turn {
  return { by: "model", told };
}
