/** The client's error for an upstream's failure, when the client cannot get the upstream's own reply. */
import { GatewayError } from "../../core/errors.ts";
import { withoutSecrets } from "../../core/redact.ts";
import type { DecodedError, DialectName } from "../../dialects/dialect.ts";
import { DIALECTS } from "../../dialects/index.ts";
import { readOversize } from "../../upstreams/refusals/oversize.ts";
import type { Signal } from "../../upstreams/signal.ts";
import type { UpstreamReply } from "./outcome.ts";

/**
 * An upstream with a wrong address answers so. The gateway follows no redirect, because the credential would go along.
 * Of `location` the error shows the origin only: a query may hold secrets.
 */
export function redirectError(baseUrl: string, status: number, location: string | null): GatewayError {
  const from = new URL(baseUrl);
  const to = location === null ? null : URL.parse(location, baseUrl);
  const basePath = from.pathname.replace(/\/$/, "");
  const isElsewhere = to !== null && to.origin !== "null" && to.origin !== from.origin;
  const where = isElsewhere ? to.origin : "another path of the same server";
  const isSamePath = isElsewhere && to.pathname.startsWith(`${basePath}/`);
  const repair = isSamePath ? `${to.origin}${basePath}` : "the address that the API itself answers at";
  return new GatewayError(
    "upstream_error",
    `the upstream answers with a redirect to ${where} (status ${status}), which is not followed; set its base_url to ${repair}`,
  );
}

/** The same error, with the time after which the client may try again. */
export function comingBackAfter(error: GatewayError, retryAfterMs: number): GatewayError {
  const { kind, message, detail, cause, param, details } = error;
  return new GatewayError(kind, message, {
    retryAfterMs,
    cause,
    ...(detail === undefined ? {} : { detail }),
    ...(param === undefined ? {} : { param }),
    ...(details === undefined ? {} : { details }),
  });
}

/** In general terms, for a client of the same dialect. */
export function errorFor(signal: Signal, status: number): GatewayError {
  if (signal.class === "overload") {
    return new GatewayError(
      "upstream_overloaded",
      `the upstream is overloaded or failing (status ${status})`,
    );
  }
  if (signal.class === "bad") {
    // The page may come from a proxy before the provider, but its status still holds.
    return status === 413
      ? new GatewayError("body_too_large", "the request is larger than the upstream takes")
      : new GatewayError("bad_request", `the upstream refused the request (status ${status})`);
  }
  return new GatewayError("upstream_error", `the upstream refused the request (status ${status})`);
}

/** A failure of an upstream that a client of another dialect is told. */
export interface ForeignFailure {
  /** In which the body is worded. */
  readonly dialect: DialectName;
  readonly signal: Signal;
  readonly status: number;
  /** The upstream's error body, or error object in its envelope. */
  readonly body: string;
  /** Of the credential: kept out of the words. */
  readonly secrets: readonly string[];
  /** The limit of the answer in the refused request; null: it has none. */
  readonly sentLimit: number | null;
  readonly nowMs: number;
}

/**
 * In the upstream's own words. A failure that concerns the gateway's credential never gets them, because they
 * may name the account.
 */
export function foreignError(failure: ForeignFailure): GatewayError {
  const { signal, status, nowMs } = failure;
  switch (signal.class) {
    case "bad":
      return refusedError(decode(failure), status, failure.sentLimit);
    case "forbid":
      return status === 403
        ? new GatewayError(
            "upstream_forbidden",
            `the model is not open to this gateway's credentials (${signal.reason})`,
          )
        : new GatewayError("model_not_found", decode(failure).message ?? "the upstream knows no such model", {
            param: "model",
          });
    case "rate":
      return new GatewayError(
        "credentials_cooling",
        "the upstream's rate limit was reached; try again later",
        {
          retryAfterMs: Math.max(signal.untilMs - nowMs, 1_000),
        },
      );
    case "overload":
      return status < 500 && status !== 429 && status !== 408
        ? new GatewayError("upstream_error", `the upstream failed (status ${status})`)
        : errorFor(signal, status);
    default:
      return errorFor(signal, status);
  }
}

/** The error in an upstream's own reply, for a client of the same dialect that cannot get the reply itself. */
export function ownWordsOf(
  { status, body }: UpstreamReply,
  dialect: DialectName,
  signal: Signal,
  nowMs: number,
): GatewayError {
  // The reply is one that the client was meant to get: the secrets are out of it.
  const failure = {
    signal,
    status,
    body: new TextDecoder().decode(body),
    secrets: [],
    sentLimit: null,
    nowMs,
  };
  return foreignError({ ...failure, dialect });
}

/** The upstream's own message without the credential; null: it has none that can be read. */
export function wordsOfUpstream(failure: ForeignFailure): string | null {
  return decode(failure).message;
}

/**
 * The upstream's words without the credential. An error that is wrapped in another one spells it differently
 * before and after it is unwrapped.
 */
function decode({ dialect, body, secrets }: ForeignFailure): DecodedError {
  const { message, ...rest } = DIALECTS[dialect].decodeError(withoutSecrets(body, secrets));
  return { ...rest, message: message === null ? null : withoutSecrets(message, secrets) };
}

/** The upstream refused the request. */
function refusedError(
  { message, code }: DecodedError,
  status: number,
  sentLimit: number | null,
): GatewayError {
  const oversize = readOversize(message, code, sentLimit);
  if (oversize !== null && !oversize.isPassing) {
    const kind = oversize.part === "output" ? "bad_request" : "context_overflow";
    return new GatewayError(kind, message ?? "the conversation is longer than the model takes", { oversize });
  }
  return status === 413
    ? new GatewayError("body_too_large", message ?? "the request is larger than the upstream takes")
    : new GatewayError("bad_request", message ?? `the upstream refused the request (status ${status})`);
}
