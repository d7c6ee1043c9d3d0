/** Captured requests: heads and bodies, where somebody has switched the capture on. */
import * as v from "valibot";
import type { Operation } from "./operation.ts";
import { count, durationMs, timeMs } from "./values.ts";

const text = v.nullable(v.string());

/** Names in lower case with their values, in the order in which they were sent; credentials are masked. */
const headers = v.array(v.tuple([v.string(), v.string()]));

const body = v.strictObject({
  /** null: the body is no text in UTF-8; then `base64` has it. */
  text,
  base64: text,
  /** Of the whole body as it passed. */
  bytes: count,
  /** Only the beginning is kept. */
  isCut: v.boolean(),
});

/** One call to an upstream. Times are milliseconds since the request was accepted. */
const call = v.strictObject({
  upstream: v.string(),
  credential: v.string(),
  dialect: v.string(),
  sentMs: durationMs,
  request: v.strictObject({ method: v.string(), url: v.string(), headers, body: v.nullable(body) }),
  /** null: no head of a reply came. */
  reply: v.nullable(v.strictObject({ status: v.number(), headers, headMs: durationMs, body })),
  endMs: v.nullable(durationMs),
  /** Why it did not end well; null: it did. */
  error: text,
});

const capturedRequest = v.strictObject({
  id: v.string(),
  atMs: timeMs,
  key: v.string(),
  dialect: v.string(),
  request: v.strictObject({ method: v.string(), path: v.string(), headers, body: v.nullable(body) }),
  /** What the client was sent; null: nothing was. */
  reply: v.nullable(
    v.strictObject({
      status: v.number(),
      headers,
      body,
      /** The connection was broken off, so that the client cannot take the answer for a whole one. */
      isBroken: v.boolean(),
    }),
  ),
  /** Each attempt, and each part of a continued answer. */
  calls: v.array(call),
  callsLeftOut: count,
});

export const CAPTURES = {
  getCaptureState: {
    method: "GET",
    path: "/captures",
    who: "signed-in",
    summary: "Whether requests are captured, and what is kept of them.",
    reply: v.strictObject({
      isOn: v.boolean(),
      /** Client keys in force with `capture = true`. */
      keys: v.array(v.string()),
      count,
      bytes: count,
      oldestAtMs: v.nullable(timeMs),
      maxBytes: count,
      maxAgeS: count,
      /** Why nothing is captured now; null: it is, or is switched off. */
      failure: text,
      /** Since the start: requests that could not be captured. */
      missed: count,
    }),
  },
  deleteCaptures: {
    method: "DELETE",
    path: "/captures",
    who: "signed-in-changing",
    summary: "Overwrites and deletes all captured requests.",
    reply: "none",
  },
  getCapture: {
    method: "GET",
    path: "/requests/{id}/capture",
    who: "signed-in",
    summary: "The heads and bodies of a request, as they came and went.",
    reply: capturedRequest,
  },
  deleteCapture: {
    method: "DELETE",
    path: "/requests/{id}/capture",
    who: "signed-in-changing",
    summary: "Overwrites and deletes what was captured of a request.",
    reply: "none",
  },
} as const satisfies Record<string, Operation>;
