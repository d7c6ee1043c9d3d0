/**
 * Failures that servers state in a good reply, in place of an answer, in envelopes of their own. A dialect asks
 * here only for a body or a frame that holds no answer.
 */
import type { JsonObject } from "../../core/json.ts";
import { asObject, asString } from "../../wire/json.ts";

/** Members that a stated failure is read from. */
export const STATED_ERROR_MEMBERS = {
  error: true,
  base_resp: true,
  code: true,
  msg: true,
  message: true,
  detail: true,
  success: true,
  object: true,
} as const;

/** Codes that stand for a success. */
const GOOD_CODES: ReadonlySet<unknown> = new Set([0, 200, "0", "200", "success", "ok", "OK"]);

/** The failure that an object without an answer states, as an error object or a text; null: it states none. */
export function statedError(body: JsonObject): unknown {
  const { error, code, object } = body;
  if (error !== undefined && error !== null && error !== false) return error;
  // vLLM marks an error by its `object`.
  if (object === "error") return body;
  const base = baseRespError(asObject(body.base_resp));
  if (base !== null) return base;
  const message = asString(body.message) ?? asString(body.msg) ?? asString(body.detail);
  if (message === null) return null;
  const isFailure = code === undefined || code === null ? body.success === false : !GOOD_CODES.has(code);
  return isFailure || asString(body.detail) !== null ? { code, message } : null;
}

/** MiniMax: https://platform.minimaxi.com/document/error-code. Its numbers mean other things elsewhere. */
function baseRespError(base: JsonObject | null): JsonObject | null {
  const status = base?.status_code;
  if (status === undefined || status === null || GOOD_CODES.has(status)) return null;
  return { code: `base_resp_${String(status)}`, message: asString(base?.status_msg) ?? "" };
}
