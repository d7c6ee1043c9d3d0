import { describe, expect, test } from "bun:test";
import { ERRORS, type ErrorKind, GatewayError } from "../core/errors.ts";
import type { Log, LogFields } from "../core/log.ts";
import type { DialectName } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/index.ts";
import { asGatewayError, replyWithError } from "./error-reply.ts";

const KINDS = Object.keys(ERRORS) as ErrorKind[];
const NAMES = Object.keys(DIALECTS) as DialectName[];
const ID = "01K00000000000000000000000";
const SECRET = "sk-planted-secret";

/**
 * Where a dialect gives what has gone wrong another status than the table: its own clients expect that one.
 */
const OWN_STATUS: Partial<Record<DialectName, Partial<Record<ErrorKind, number>>>> = {
  "anthropic-messages": {
    budget_exhausted: 402,
    previous_state_not_found: 404,
    upstream_connect: 500,
    proxy_failed: 500,
    upstream_overloaded: 529,
    upstream_cut: 500,
    upstream_garbage: 500,
    upstream_error: 500,
  },
  gemini: {
    credentials_unusable: 400,
    state_not_found: 403,
    previous_state_not_found: 403,
    upstream_connect: 500,
    proxy_failed: 500,
    upstream_cut: 503,
    upstream_garbage: 500,
    upstream_error: 500,
  },
  "openai-responses": { credentials_unusable: 400 },
};

const errorOf = (kind: ErrorKind): GatewayError =>
  new GatewayError(kind, "what is wrong; how to repair it", {
    detail: `the upstream said ${SECRET}`,
    cause: new Error(SECRET),
    param: "model",
    retryAfterMs: 1_500,
  });

describe.each(NAMES)("in %s", (dialect) => {
  test.each(KINDS)(
    "%s is JSON with its status, the request id under both names, and nothing private",
    async (kind) => {
      const reply = replyWithError(dialect, errorOf(kind), ID);
      const text = await reply.text();
      expect(reply.status).toBe(OWN_STATUS[dialect]?.[kind] ?? ERRORS[kind].status);
      expect(reply.headers.get("content-type")).toBe("application/json");
      expect(reply.headers.get("x-request-id")).toBe(ID);
      expect(reply.headers.get("request-id")).toBe(ID);
      expect(JSON.parse(text).error.message).toContain("what is wrong; how to repair it");
      expect(text + JSON.stringify(reply.headers)).not.toContain(SECRET);
      if (ERRORS[kind].retryable) expect(reply.headers.get("retry-after")).toBe("2");
    },
  );

  test("a message with anything in it stays one JSON text", async () => {
    const odd = 'a "quote", \\ a line\r\nend, \u2028, </script> and \ud800';
    const reply = replyWithError(dialect, new GatewayError("bad_request", odd), ID);
    expect(JSON.parse(await reply.text()).error.message).toBe(odd);
  });
});

describe("an exception", () => {
  const logged: { fields: LogFields; message: string }[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields, message) => void logged.push({ fields, message }),
  };

  test.each([new Error(SECRET), SECRET, null, undefined, { toString: () => SECRET }])(
    "of whatever kind becomes an internal error that tells the request id only",
    async (cause) => {
      logged.splice(0);
      const error = asGatewayError(cause, log, ID);
      expect(error).toMatchObject({ kind: "internal", status: 500 });
      for (const dialect of NAMES) {
        const text = await replyWithError(dialect, error, ID).text();
        expect(text).toContain(ID);
        expect(text).not.toContain(SECRET);
      }
      expect(logged).toMatchObject([{ fields: { requestId: ID } }]);
    },
  );

  test("is logged with where it happened", () => {
    logged.splice(0);
    asGatewayError(new TypeError("x is not a function"), log, ID);
    expect(logged[0]?.fields.error).toMatch(/TypeError: x is not a function[\s\S]*error-reply\.test\.ts/);
  });

  test("an error of the table stays what it is and is not logged", () => {
    logged.splice(0);
    const known = new GatewayError("bad_request", "so");
    expect(asGatewayError(known, log, ID)).toBe(known);
    expect(logged).toEqual([]);
  });
});
