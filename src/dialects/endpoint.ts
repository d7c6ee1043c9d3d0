/** What a client asked for, once its path is known to be canonical. */
import type { DialectName } from "./dialect.ts";

/** What the endpoint does, as the ledger names it. */
export type Endpoint =
  | "chat.completions"
  | "embeddings"
  | "responses"
  | "responses.input_tokens"
  | "responses.compact"
  | "responses.stored"
  | "messages"
  | "messages.count_tokens"
  | "generateContent"
  | "streamGenerateContent"
  | "countTokens";

export interface Route {
  readonly dialect: DialectName;
  readonly endpoint: Endpoint;
  /** Path for the upstream, canonical; for Gemini up to and without the model. */
  readonly path: string;
  /** Gemini only: what the path says of the model, decoded. The path goes on with it and `:action`. */
  readonly pathModel: string | null;
  /** Gemini only: `generateContent` and the like. */
  readonly action: string | null;
  /** The id in the path of a stored response. */
  readonly stateId: string | null;
  /** The request carries a JSON body that names the model (or, for Gemini, may be peeked for state). */
  readonly hasBody: boolean;
  /** The answer's token counts are of work done now, not of what was stored or only counted. */
  readonly isBilled: boolean;
}

type Traits = Pick<Route, "dialect" | "hasBody" | "isBilled">;

/** Traits by endpoint. */
export const ENDPOINTS: Readonly<Record<Endpoint, Traits>> = {
  "chat.completions": { dialect: "openai-chat", hasBody: true, isBilled: true },
  embeddings: { dialect: "openai-chat", hasBody: true, isBilled: true },
  responses: { dialect: "openai-responses", hasBody: true, isBilled: true },
  "responses.input_tokens": { dialect: "openai-responses", hasBody: true, isBilled: false },
  "responses.compact": { dialect: "openai-responses", hasBody: true, isBilled: true },
  "responses.stored": { dialect: "openai-responses", hasBody: false, isBilled: false },
  messages: { dialect: "anthropic-messages", hasBody: true, isBilled: true },
  "messages.count_tokens": { dialect: "anthropic-messages", hasBody: true, isBilled: false },
  generateContent: { dialect: "gemini", hasBody: true, isBilled: true },
  streamGenerateContent: { dialect: "gemini", hasBody: true, isBilled: true },
  countTokens: { dialect: "gemini", hasBody: true, isBilled: false },
};

/** A route without parts in its path. */
export function makeRoute(endpoint: Endpoint, path: string): Route {
  return { ...ENDPOINTS[endpoint], endpoint, path, pathModel: null, action: null, stateId: null };
}
