/** What a scenario says and sees, in no dialect's words: each client writes the first and reads the second in its own. */
import type { DialectName } from "../../src/dialects/dialect.ts";
import { isObject } from "./wire.ts";

export type { DialectName };

/** The four providers behind the gateway: the family, and how it is spoken to. */
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
  /** What the client was told, as its SDK gives it back. */
  | { readonly by: "model"; readonly told: Told }
  | { readonly by: "tools"; readonly results: readonly Result[] }
  /** Instructions between the turns. */
  | { readonly by: "system"; readonly text: string };

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** null: it takes no arguments. */
  readonly schema: Json | null;
}

export interface Ask {
  readonly system?: readonly string[];
  readonly turns: readonly Turn[];
  readonly tools?: readonly Tool[];
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
  /** Think, and show it. */
  readonly thinks?: boolean;
  /** The answer is JSON of this schema. */
  readonly schema?: Json;
  /** The provider may search the web. */
  readonly searches?: boolean;
  /** Marks the prompt for the cache, where the dialect has such marks. */
  readonly caches?: boolean;
  /** Members that only some dialects have; a dialect without its line has none of it. */
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
  /** The words that it stands for. */
  readonly text: string;
}

/** `pause`: the provider wants to be asked to go on. */
export type Ending = "end" | "calls" | "length" | "stop-sequence" | "refusal" | "pause";

/** An error as a client of the dialect is told it. */
export interface Trouble {
  /** null: within a stream. */
  readonly status: number | null;
  readonly type: string | null;
  readonly code: string | null;
  readonly message: string;
  /** The fields that it names apart from its message. */
  readonly fields: readonly string[];
}

/** A reply, read. */
export interface Told {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly Call[];
  /** null: it ended with an error. */
  readonly ending: Ending | null;
  /** The stop sequence that matched, where the dialect tells. */
  readonly stopped: string | null;
  readonly usage: Usage | null;
  readonly citations: readonly Cited[];
  readonly refusal: string | null;
  readonly trouble: Trouble | null;
  /** What a client of the dialect puts into its history for it. */
  readonly native: readonly unknown[];
}

/** A request as it goes over the socket. */
export interface WireRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** What its dialect has no words for: a scenario that needs it says so. */
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
