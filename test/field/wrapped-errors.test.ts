import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { askCell, CELLS, type Cell, readTold, translatedToml } from "../flow/translated.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import type { DialectName } from "../kit/recordings.ts";
import { describeKind } from "./kind.ts";
import { kind } from "./kinds/wrapped-errors.ts";

const TOO_LONG =
  "This model's maximum context length is 262144 tokens. However, your messages resulted in 262897 tokens. Please reduce the length of the messages.";
const PICTURE = "The picture in messages[0] is no picture.";

const inner = (message: string): string =>
  JSON.stringify({ error: { message, type: "Bad Request", code: 400 } });

/** How servers wrap the body of another one. */
const WRAPPERS: Readonly<Record<string, (message: string) => object>> = {
  "metadata.raw": (message) => ({
    message: "Provider returned error",
    code: 400,
    metadata: { raw: inner(message), provider_name: "Nvidia", is_byok: false, provider_error_code: "400" },
  }),
  "metadata.raw without JSON": (message) => ({
    message: "Provider returned error",
    code: 400,
    metadata: { raw: message, provider_name: "Nvidia" },
  }),
  "JSON text as message": (message) => ({ message: inner(message), code: 400 }),
  "LiteLLM's words for a full context before JSON text": (message) => ({
    message: `litellm.ContextWindowExceededError: litellm.BadRequestError: BedrockException: Context Window Error - ${inner(message)}`,
    code: 400,
  }),
  "an exception's name before JSON text": (message) => ({
    message: `litellm.BadRequestError: OpenAIException - ${inner(message)}`,
    code: 400,
  }),
};

/** The error object in the envelope of each dialect, as a body and as a stream's event. */
const ENVELOPES: Readonly<Record<DialectName, (error: object) => object>> = {
  "openai-chat": (error) => ({ error }),
  "openai-responses": (error) => ({ error }),
  "anthropic-messages": (error) => ({ type: "error", error: { type: "invalid_request_error", ...error } }),
  gemini: (error) => ({ error: { status: "INVALID_ARGUMENT", ...error } }),
};

describeKind(kind, () => {
  let upstream: RawUpstream;
  let gateway: Gateway;
  beforeAll(async () => {
    upstream = await startRawUpstream(() => undefined);
    gateway = await startGateway({ toml: translatedToml(upstream.url) });
  });
  afterAll(async () => {
    await gateway?.close();
    await upstream?.close();
  });
  beforeEach(() => upstream.forget());

  const refuse = (cell: Cell, error: object, status = "400 Bad Request"): void => {
    const body = JSON.stringify(ENVELOPES[cell.upstream.dialect](error));
    upstream.answer = (arrived) => sendWhole(arrived, body, undefined, status);
  };
  const failInStream = (cell: Cell, error: object): void => {
    const body = ENVELOPES[cell.upstream.dialect](error);
    const event = cell.upstream.dialect === "openai-responses" ? { type: "error", ...body } : body;
    upstream.answer = (arrived: Arrived) =>
      sendStream(arrived, [`event: error\ndata: ${JSON.stringify(event)}\n\n`]);
  };
  const errorIn = (cell: Cell, isStream: boolean, body: string) => {
    const error = readTold(cell.client, isStream, body).error as Record<string, string> | null;
    return { message: error?.message, code: error?.code };
  };

  const expectTooLong = (cell: Cell, told: { message?: string | undefined; code?: unknown }): void => {
    switch (cell.client.dialect) {
      case "anthropic-messages":
        expect(told.message).toBe("prompt is too long: 262897 tokens > 262144 maximum");
        return;
      case "gemini":
        expect(told.message).toBe(
          "The input token count (262897) exceeds the maximum number of tokens allowed (262144).",
        );
        return;
      default:
        expect(told).toMatchObject({
          code: "context_length_exceeded",
          message: expect.stringContaining("262897"),
        });
    }
  };

  for (const cell of CELLS) {
    for (const [wrapper, wrap] of Object.entries(WRAPPERS)) {
      const isReported = wrapper === "metadata.raw" && cell.upstream.dialect === "openai-chat";
      test(`${isReported ? "reported: " : ""}${cell.name}, ${wrapper}: a prompt that is too long is told as the client knows it`, async () => {
        refuse(cell, wrap(TOO_LONG));
        const reply = await askCell(gateway, cell, false);
        expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
        expectTooLong(cell, errorIn(cell, false, reply.body.toString()));
      });
    }

    test(`${cell.name}: other words reach the client, once and without their wrapper`, async () => {
      for (const wrap of Object.values(WRAPPERS)) {
        refuse(cell, wrap(PICTURE));
        const reply = await askCell(gateway, cell, false);
        expect(errorIn(cell, false, reply.body.toString()).message).toBe(PICTURE);
      }
    });

    test(`${cell.name}: a body that is a JSON text, or a line of plain text, is the error's words`, async () => {
      for (const body of [JSON.stringify(TOO_LONG), `litellm.Hosted_vllmException: ${TOO_LONG}`]) {
        upstream.answer = (arrived) => sendWhole(arrived, body, undefined, "400 Bad Request");
        expectTooLong(cell, errorIn(cell, false, (await askCell(gateway, cell, false)).body.toString()));
      }
      upstream.answer = (arrived) => sendWhole(arrived, PICTURE, undefined, "400 Bad Request");
      const reply = await askCell(gateway, cell, false);
      expect(errorIn(cell, false, reply.body.toString()).message).toBe(PICTURE);
    });

    test(`${cell.name}: an error as a stream's first event keeps its status and its words`, async () => {
      failInStream(cell, WRAPPERS["metadata.raw"]?.(TOO_LONG) ?? {});
      const reply = await askCell(gateway, cell, true);
      expect([reply.status, upstream.seen.length]).toEqual([400, 1]);
      expectTooLong(cell, errorIn(cell, false, reply.body.toString()));
    });

    test(`${cell.name}: a secret inside a wrapped error is not shown`, async () => {
      const secret = `sk-${cell.upstream.dialect}-credential`;
      refuse(cell, WRAPPERS["metadata.raw"]?.(`The header ${secret} is odd.`) ?? {});
      const reply = await askCell(gateway, cell, false);
      expect(errorIn(cell, false, reply.body.toString()).message).toBe("The header [redacted] is odd.");
    });
  }

  describe("a refused credential", () => {
    // It rests afterwards, so each upstream is asked once.
    const once = CELLS.filter(
      ({ upstream }, n) => CELLS.findLastIndex((other) => other.upstream.dialect === upstream.dialect) === n,
    );
    for (const cell of once) {
      test(`${cell.name}: never shows what was wrapped`, async () => {
        const error = {
          message: "Provider returned error",
          code: 401,
          metadata: { raw: inner("The key of the account acme-corp is revoked.") },
        };
        refuse(cell, error, "401 Unauthorized");
        const reply = await askCell(gateway, cell, false);
        expect(upstream.seen.length).toBeGreaterThan(0);
        expect(reply.status).toBeGreaterThanOrEqual(400);
        expect(reply.body.toString()).not.toContain("acme-corp");
      });
    }
  });
});
