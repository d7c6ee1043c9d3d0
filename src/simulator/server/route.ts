// Finds the provider and the method of a request line.

import type { Vendor } from "../base/refusal.ts";
import { matchVertex, type VertexPlace } from "../vertex/place.ts";

export type Method =
  | "chat"
  | "responses"
  | "response-get"
  | "response-delete"
  | "response-cancel"
  | "response-items"
  | "input-tokens"
  | "compact"
  | "embeddings"
  | "messages"
  | "count-messages"
  | "models"
  | "model"
  | "generate"
  | "count-contents"
  | "embed-content"
  | "embed-contents"
  | "predict"
  | "kept-contents";

export interface Route {
  readonly vendor: Vendor;
  readonly method: Method;
  /** The model or the response id in the path. */
  readonly id: string;
  /** On Vertex AI; absent: at the vendor's own API. */
  readonly place?: VertexPlace;
}

type Rule = readonly [verb: string, path: RegExp, vendor: Vendor, method: Method];

const RULES: readonly Rule[] = [
  ["POST", /^\/v1\/chat\/completions$/, "openai", "chat"],
  ["POST", /^\/v1\/responses$/, "openai", "responses"],
  ["POST", /^\/v1\/responses\/input_tokens$/, "openai", "input-tokens"],
  ["POST", /^\/v1\/responses\/compact$/, "openai", "compact"],
  ["GET", /^\/v1\/responses\/([^/]+)$/, "openai", "response-get"],
  ["DELETE", /^\/v1\/responses\/([^/]+)$/, "openai", "response-delete"],
  ["POST", /^\/v1\/responses\/([^/]+)\/cancel$/, "openai", "response-cancel"],
  ["GET", /^\/v1\/responses\/([^/]+)\/input_items$/, "openai", "response-items"],
  ["POST", /^\/v1\/embeddings$/, "openai", "embeddings"],
  ["POST", /^\/v1\/messages$/, "anthropic", "messages"],
  ["POST", /^\/v1\/messages\/count_tokens$/, "anthropic", "count-messages"],
  [
    "POST",
    /^\/v1(?:beta|alpha)?\/models\/(.+):(?:generateContent|streamGenerateContent)$/,
    "gemini",
    "generate",
  ],
  ["POST", /^\/v1(?:beta|alpha)?\/models\/(.+):countTokens$/, "gemini", "count-contents"],
  ["POST", /^\/v1(?:beta|alpha)?\/models\/(.+):embedContent$/, "gemini", "embed-content"],
  ["POST", /^\/v1(?:beta|alpha)?\/models\/(.+):batchEmbedContents$/, "gemini", "embed-contents"],
  ["GET", /^\/v1(?:beta|alpha)\/models$/, "gemini", "models"],
  ["GET", /^\/v1(?:beta|alpha)\/models\/(.+)$/, "gemini", "model"],
  ["GET", /^\/v1\/models$/, "openai", "models"],
  ["GET", /^\/v1\/models\/(.+)$/, "openai", "model"],
];

/**
 * The route of a path; undefined for an unknown or badly escaped path. Three vendors have `/v1/models`: the
 * header of the credential tells the vendors apart.
 */
export function matchRoute(
  verb: string,
  path: string,
  query: URLSearchParams,
  header: (name: string) => string | undefined,
): Route | undefined {
  const onVertex = matchVertex(verb, path);
  if (onVertex !== undefined) {
    const id = decode(onVertex.id);
    return id === undefined ? undefined : { ...onVertex, id };
  }
  for (const [ruleVerb, pattern, vendor, method] of RULES) {
    const match = verb === ruleVerb ? pattern.exec(path) : null;
    if (match === null) {
      continue;
    }
    const id = decode(match[1] ?? "");
    if (id === undefined) {
      return undefined;
    }
    return { vendor: method.startsWith("model") ? modelsVendor(vendor, query, header) : vendor, method, id };
  }
  return undefined;
}

/** The provider whose 404 answers an unknown path. */
export function guessVendor(path: string, header: (name: string) => string | undefined): Vendor {
  if (path.startsWith("/v1beta") || path.includes(":")) {
    return "gemini";
  }
  return path.startsWith("/v1/messages") || header("anthropic-version") !== undefined
    ? "anthropic"
    : "openai";
}

function modelsVendor(
  vendor: Vendor,
  query: URLSearchParams,
  header: (name: string) => string | undefined,
): Vendor {
  if (header("anthropic-version") !== undefined) {
    return "anthropic";
  }
  return header("x-goog-api-key") !== undefined || query.has("key") ? "gemini" : vendor;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
