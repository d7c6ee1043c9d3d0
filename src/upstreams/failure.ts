/** Reads a provider's failed reply, in any of the known envelopes, into the words that tables match on. */
import type { HeaderView } from "../core/header-view.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { announcingObjects, quotedHeadersOf } from "./announced.ts";
import { MODEL_MARK, markWordsOfRequest } from "./evidence/request-words.ts";
import type { ReplyFacts } from "./signal.ts";

export interface Failure {
  readonly status: number;
  readonly headers: HeaderView;
  readonly nowMs: number;
  /** Every structured word of the error: type, code, status, error_code, Google's reasons and quota ids. */
  readonly codes: readonly string[];
  /**
   * In place of the asked model's name stands U+E000, in place of any other quoted text of the request U+E001; see
   * `wording`.
   */
  readonly message: string;
  /** The message as it came. */
  readonly original: string;
  /** Whether a text stands in the request, so that the message may only repeat it. */
  readonly isOfRequest: (text: string) => boolean;
  /** The body is HTML or XML: something before the provider answered, and its words mean nothing for a credential. */
  readonly isPage: boolean;
  /** A router says which provider behind it has failed (OpenRouter's `metadata.provider_name`). */
  readonly isOfProviderBehind: boolean;
  /** The error object names a quota that was exceeded (Google's QuotaFailure). */
  readonly hasQuotaFailure: boolean;
  /** The error has Google's RetryInfo. */
  readonly hasRetryInfo: boolean;
  /** Objects of the error whose members may announce the end of a limit (`retry_after`, `resets_at`). */
  readonly announced: readonly JsonObject[];
  /** The headers that the error quotes from a server behind this one (`metadata.headers`). */
  readonly quotedHeaders: HeaderView;
  /** The envelope is Google's: `status` in words beside a numeric `code`. */
  readonly isGoogle: boolean;
}

/** Tables match the beginning of a message. The bound keeps their patterns cheap on any text. */
const MAX_MESSAGE_CHARS = 4_000;

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

const NO_DETAILS = {
  hasQuotaFailure: false,
  hasRetryInfo: false,
  isGoogle: false,
  isOfProviderBehind: false,
} as const;

/**
 * The error object: bare, under `error`, under `response.error` (a failed stored response), or in an array of
 * one element.
 */
function errorOf(root: unknown): unknown {
  const value = Array.isArray(root) ? root[0] : root;
  if (!isObject(value)) return value;
  if (isObject(value.response) && value.response.error !== undefined) return value.response.error;
  return value.error ?? value;
}

function hasNoWords(): boolean {
  return false;
}

export function readFailure(reply: ReplyFacts): Failure {
  const { status, headers, nowMs, body, model, isOfRequest: has = hasNoWords } = reply;
  const isOfRequest = (text: string): boolean => has(text.replaceAll(MODEL_MARK, model));
  const root = parse(body);
  const error = errorOf(root);
  const isPage = body.trimStart().startsWith("<") || /^text\/html\b/i.test(headers.get("content-type") ?? "");
  const facts = {
    status,
    headers,
    nowMs,
    isOfRequest,
    isPage,
    announced: announcingObjects(root, error),
    quotedHeaders: quotedHeadersOf(error),
  };
  const read = (...said: readonly unknown[]): Pick<Failure, "message" | "original"> => {
    const texts = said
      .filter((text) => typeof text === "string")
      .map((text) => text.slice(0, MAX_MESSAGE_CHARS));
    const marked = texts.map((text) => markWordsOfRequest(text, model, isOfRequest));
    return { message: marked.join("\n"), original: texts.join("\n") };
  };
  if (!isObject(error)) return { ...facts, codes: [], ...read(isPage ? "" : error), ...NO_DETAILS };
  const details = listOf(error.details).filter(isObject);
  const anthropicDetails = isObject(error.details) ? error.details : {};
  const metadata = isObject(error.metadata) ? error.metadata : {};
  const violations = details.flatMap((detail) => listOf(detail.violations)).filter(isObject);
  const words = [
    error.type,
    error.code,
    error.status,
    error.error_code,
    anthropicDetails.error_code,
    ...details.map((detail) => detail.reason),
    ...violations.map((violation) => violation.quotaId),
  ];
  return {
    ...facts,
    codes: words.filter((word) => typeof word === "string" || typeof word === "number").map(String),
    ...read(error.message ?? error.msg ?? error.detail, metadata.raw),
    isOfProviderBehind: typeof metadata.provider_name === "string",
    hasQuotaFailure: violations.length > 0,
    hasRetryInfo: details.some((detail) => typeof detail.retryDelay === "string"),
    isGoogle: typeof error.status === "string" && typeof error.code === "number",
  };
}

/**
 * The HTTP status for an error object inside a good reply: the object's own number, else the status of its
 * first known word.
 */
export function statusOfError(body: string, statusOf: (code: string) => number | undefined): number {
  const failure = readFailure({ status: 200, headers: NO_HEADERS, body, nowMs: 0, model: "" });
  for (const code of failure.codes) {
    const status = /^[45]\d\d$/.test(code) ? Number(code) : statusOf(code);
    if (status !== undefined) return status;
  }
  return 500;
}

const NO_HEADERS = new Headers();
