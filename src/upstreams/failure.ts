/** Reads a provider's failed reply, in any of the known envelopes, into the words that tables match on. */
import type { HeaderView } from "../core/header-view.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { announcingObjects, quotedHeadersOf } from "./announced.ts";
import type { ReplyFacts } from "./signal.ts";

export interface Failure {
  readonly status: number;
  readonly headers: HeaderView;
  readonly nowMs: number;
  /** Every structured word of the error: type, code, status, error_code, Google's reasons and quota ids. */
  readonly codes: readonly string[];
  readonly message: string;
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

export function readFailure(reply: ReplyFacts): Failure {
  const root = parse(reply.body);
  const error = errorOf(root);
  const facts = {
    status: reply.status,
    headers: reply.headers,
    nowMs: reply.nowMs,
    announced: announcingObjects(root, error),
    quotedHeaders: quotedHeadersOf(error),
  };
  if (!isObject(error)) {
    // A page of HTML means nothing for a credential, whatever words are on it.
    const text = typeof error === "string" && !error.trimStart().startsWith("<") ? error : "";
    const message = text.slice(0, MAX_MESSAGE_CHARS);
    return { ...facts, codes: [], message, hasQuotaFailure: false, hasRetryInfo: false, isGoogle: false };
  }
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
  const message = [error.message ?? error.detail, metadata.raw];
  return {
    ...facts,
    codes: words.filter((word) => typeof word === "string" || typeof word === "number").map(String),
    message: message
      .filter((text) => typeof text === "string")
      .map((text) => text.slice(0, MAX_MESSAGE_CHARS))
      .join("\n"),
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
