/**
 * What a refusal of Google's token services says about a credential: OAuth 2.0 (RFC 6749, section 5.2), the security token
 * service, and the credentials API of service accounts. No words of a client's request are in such a request.
 */
import { isObject } from "../../core/json.ts";
import type { AccessRefused } from "../authorization.ts";

interface TokenRow {
  readonly status?: readonly number[];
  /** `error` of OAuth, or `error.status` of Google's APIs. */
  readonly code?: RegExp;
  /** `error_description` of OAuth, or `error.message` of Google's APIs. */
  readonly text?: RegExp;
  readonly signal: AccessRefused["signal"];
}

function refused(reason: string): AccessRefused["signal"] {
  return { class: "invalid", reason, isStatement: true };
}

function misconfigured(reason: string): AccessRefused["signal"] {
  return { class: "config", reason, isStatement: true };
}

/** Wordings seen in googleapis/google-api-php-client#1501, googleapis/google-auth-library-nodejs and Google's own pages, November 2026. */
const TOKEN_ROWS: readonly TokenRow[] = [
  {
    code: /^invalid_grant$/,
    text: /\bshort-lived token\b|\bcheck your iat and exp\b|\breasonable timeframe\b/i,
    signal: misconfigured("this machine's clock is wrong, so Google refuses its signatures"),
  },
  {
    code: /^invalid_grant$/,
    text: /\binvalid jwt signature\b/i,
    signal: refused("the key of the service account is deleted, disabled, or of another account"),
  },
  {
    code: /^invalid_grant$/,
    text: /\baccount\b.*\b(?:not found|deleted|disabled)\b/is,
    signal: refused("the service account does not exist or is disabled"),
  },
  {
    code: /^invalid_grant$/,
    signal: refused("Google takes the credentials no more (invalid_grant); make new ones"),
  },
  {
    code: /^(?:invalid_client|unauthorized_client|deleted_client|disabled_client)$/,
    signal: refused("Google does not know the client of the credentials, or has disabled it"),
  },
  {
    code: /^(?:invalid_target|access_denied|invalid_scope|admin_policy_enforced)$/,
    signal: misconfigured("a policy or an attribute condition of Google Cloud refuses the credentials"),
  },
  {
    status: [403],
    code: /^PERMISSION_DENIED$/,
    signal: misconfigured("the credentials may not act for the service account that they name"),
  },
  {
    status: [404],
    signal: misconfigured("there is no such service account, or none on this machine"),
  },
  { status: [408, 429], signal: { class: "overload", reason: "Google gave no token in time" } },
];

/** The meaning of a reply without a token. */
export function signalOfTokenRefusal(status: number, body: string): AccessRefused["signal"] {
  if (status >= 500) return { class: "overload", reason: `Google's token service failed (${status})` };
  const { code, text } = wordsOf(body);
  const row = TOKEN_ROWS.find(
    (one) =>
      (one.status === undefined || one.status.includes(status)) &&
      (one.code === undefined || one.code.test(code)) &&
      (one.text === undefined || one.text.test(text)),
  );
  return row?.signal ?? { class: "invalid", reason: `Google refuses a token (${status})` };
}

function wordsOf(body: string): { readonly code: string; readonly text: string } {
  const parsed = parse(body);
  const error = isObject(parsed) ? parsed.error : null;
  if (isObject(error)) return { code: textOf(error.status), text: textOf(error.message) };
  return { code: textOf(error), text: isObject(parsed) ? textOf(parsed.error_description) : "" };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
