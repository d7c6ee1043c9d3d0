// Failures of an upstream reach a client of another dialect in the words that its programs act on.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell, keyOf } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import type { RawReply } from "../kit/raw-client.ts";
import {
  type Arrived,
  type RawUpstream,
  sendStream,
  sendWhole,
  startRawUpstream,
} from "../kit/raw-upstream.ts";
import { type DialectName, MESSAGES, RESPONSES, type Recording } from "../kit/recordings.ts";
import { askCell, CELLS, type Cell, cellOf, readTold, TEXT, translatedToml } from "./translated.ts";

let upstream: RawUpstream;

beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
});
afterAll(async () => {
  await upstream?.close();
});

/** Each test has a gateway of its own, so that no state of a credential reaches the next test. */
async function withGateway(
  credentials: Readonly<Record<string, string>>,
  run: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({ toml: translatedToml(upstream.url, { credentials }) });
  try {
    await run(gateway);
  } finally {
    await gateway.close();
  }
}

const ONE = { one: "sk-credential-one" };
const TWO = { ...ONE, two: "sk-credential-two" };

type ErrorKind = "limit" | "overload" | "refusal" | "key" | "overflow";

const openai = (message: string, type: string, code: string | null): object => ({
  error: { message, type, param: null, code },
});
const anthropic = (message: string, type: string): object => ({ type: "error", error: { type, message } });
const google = (message: string, code: number, status: string): object => ({
  error: { code, message, status },
});

/** Each failure in each provider's words, with the status. */
const FAILURES: Readonly<Record<ErrorKind, Readonly<Record<DialectName, readonly [string, object]>>>> = {
  limit: {
    "openai-chat": ["429 Too Many", openai("Rate limit reached", "requests", "rate_limit_exceeded")],
    "openai-responses": ["429 Too Many", openai("Rate limit reached", "requests", "rate_limit_exceeded")],
    "anthropic-messages": ["429 Too Many", anthropic("Number of requests exceeded", "rate_limit_error")],
    gemini: ["429 Too Many", google("Resource exhausted", 429, "RESOURCE_EXHAUSTED")],
  },
  overload: {
    "openai-chat": ["503 Unavailable", openai("The engine is overloaded", "server_error", null)],
    "openai-responses": ["503 Unavailable", openai("The engine is overloaded", "server_error", null)],
    "anthropic-messages": ["529 Overloaded", anthropic("Overloaded", "overloaded_error")],
    gemini: ["503 Unavailable", google("The model is overloaded", 503, "UNAVAILABLE")],
  },
  refusal: {
    "openai-chat": ["400 Bad", openai("That picture is no picture", "invalid_request_error", null)],
    "openai-responses": ["400 Bad", openai("That picture is no picture", "invalid_request_error", null)],
    "anthropic-messages": ["400 Bad", anthropic("That picture is no picture", "invalid_request_error")],
    gemini: ["400 Bad", google("That picture is no picture", 400, "INVALID_ARGUMENT")],
  },
  key: {
    "openai-chat": [
      "401 No",
      openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    ],
    "openai-responses": [
      "401 No",
      openai("Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    ],
    "anthropic-messages": ["401 No", anthropic("invalid x-api-key", "authentication_error")],
    gemini: ["401 No", google("API keys are not supported by this API", 401, "UNAUTHENTICATED")],
  },
  overflow: {
    "openai-chat": [
      "400 Bad",
      openai(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "invalid_request_error",
        "context_length_exceeded",
      ),
    ],
    "openai-responses": [
      "400 Bad",
      openai(
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "invalid_request_error",
        "context_length_exceeded",
      ),
    ],
    "anthropic-messages": [
      "400 Bad",
      anthropic("prompt is too long: 250000 tokens > 200000 maximum", "invalid_request_error"),
    ],
    gemini: [
      "400 Bad",
      google(
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        400,
        "INVALID_ARGUMENT",
      ),
    ],
  },
};

function sendFailure(
  arrived: Arrived,
  kind: ErrorKind,
  dialect: DialectName,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [status, body] = FAILURES[kind][dialect];
  return sendWhole(arrived, JSON.stringify(body), { "content-type": "application/json", ...headers }, status);
}

/** The error of a refusal; throws when the body is not an error body of the client's dialect. */
function errorOf({ client }: Cell, reply: RawReply) {
  const { error } = readTold(client, false, reply.body.toString());
  if (error === null) throw new Error(`no error in ${reply.body.toString()}`);
  const { message, type, code, status } = error as Record<string, string>;
  const name = client.dialect === "gemini" ? status : client.dialect === "openai-responses" ? code : type;
  return { name, message: message ?? "", code };
}

type Names = Readonly<Record<DialectName, string>>;

test("H-122 a limit of one credential goes on to the next, and the client does not see it", async () => {
  for (const isStream of [false, true]) {
    await withGateway(TWO, async (gateway) => {
      for (const cell of CELLS) {
        upstream.forget();
        upstream.answer = (arrived) =>
          keyOf(arrived) === TWO.one
            ? sendFailure(arrived, "limit", cell.upstream.dialect, { "retry-after": "60" })
            : answerWell(arrived);
        for (const _ of [1, 2]) {
          const reply = await askCell(gateway, cell, isStream);
          expect(readTold(cell.client, isStream, reply.body.toString())).toMatchObject({
            text: TEXT,
            isEnded: true,
          });
        }
        // The credential is asked at most once: then it is parked until its time.
        expect(upstream.seen.filter((one) => keyOf(one) === TWO.one).length).toBeLessThanOrEqual(1);
      }
      const { out } = await gateway.command("credentials");
      expect(out.match(/cooling/g)).toHaveLength(4);
      expect(out).not.toMatch(/^ *\S+ +(invalid|exhausted)/m);
    });
  }
});

const LIMIT_NAMES: Names = {
  "openai-chat": "rate_limit_error",
  "openai-responses": "rate_limit_exceeded",
  "anthropic-messages": "rate_limit_error",
  gemini: "RESOURCE_EXHAUSTED",
};

test("H-123, H-129 all at their limit: the client's own 429, with the shortest of the waits", async () => {
  for (const client of new Set(CELLS.map((cell) => cell.client))) {
    await withGateway(TWO, async (gateway) => {
      for (const cell of CELLS.filter((one) => one.client === client)) {
        upstream.answer = (arrived) =>
          sendFailure(arrived, "limit", cell.upstream.dialect, {
            "retry-after": keyOf(arrived) === TWO.one ? "40" : "20",
          });
        const reply = await askCell(gateway, cell, true);
        const { name, message } = errorOf(cell, reply);
        expect([cell.name, reply.status, name]).toEqual([cell.name, 429, LIMIT_NAMES[client.dialect]]);
        const waitS = Number(reply.headers.get("retry-after"));
        expect(waitS).toBeGreaterThanOrEqual(18);
        expect(waitS).toBeLessThanOrEqual(20);
        expect(message).toMatch(/2 cooling/);
        // Codex reads the time of the next try from the text.
        if (client === RESPONSES) expect(message).toMatch(/try again in (18|19|20)s/);
        expect(message).not.toContain("sk-credential");
      }
    });
  }
});

const OVERLOAD_NAMES: Names = {
  "openai-chat": "server_error",
  "openai-responses": "upstream_overloaded",
  "anthropic-messages": "overloaded_error",
  gemini: "UNAVAILABLE",
};

// Each repeat follows a pause, so this takes longer than other tests.
test("H-124 an overload is tried again, and told when it stays; no credential is parked", async () => {
  await withGateway(TWO, async (gateway) => {
    for (const cell of CELLS) {
      upstream.forget();
      upstream.answer = (arrived) =>
        upstream.seen.length === 1
          ? sendFailure(arrived, "overload", cell.upstream.dialect)
          : answerWell(arrived);
      const good = await askCell(gateway, cell, true);
      expect(readTold(cell.client, true, good.body.toString())).toMatchObject({ text: TEXT, isEnded: true });
      upstream.forget();
      upstream.answer = (arrived) => sendFailure(arrived, "overload", cell.upstream.dialect);
      const bad = await askCell(gateway, cell, true);
      expect([cell.name, bad.status, errorOf(cell, bad).name, upstream.seen.length]).toEqual([
        cell.name,
        cell.client === MESSAGES ? 529 : 503,
        OVERLOAD_NAMES[cell.client.dialect],
        3,
      ]);
    }
    expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted/);
  });
}, 60_000);

const REFUSAL_NAMES: Names = {
  "openai-chat": "invalid_request_error",
  "openai-responses": "invalid_request",
  "anthropic-messages": "invalid_request_error",
  gemini: "INVALID_ARGUMENT",
};

test("H-125 a request that the provider refuses is told in its words, in the client's envelope, and tried once", async () => {
  await withGateway(TWO, async (gateway) => {
    for (const cell of CELLS) {
      for (const isStream of [false, true]) {
        upstream.forget();
        upstream.answer = (arrived) => sendFailure(arrived, "refusal", cell.upstream.dialect);
        const reply = await askCell(gateway, cell, isStream);
        const { name, message } = errorOf(cell, reply);
        expect([cell.name, reply.status, name, upstream.seen.length]).toEqual([
          cell.name,
          400,
          REFUSAL_NAMES[cell.client.dialect],
          1,
        ]);
        expect(message).toContain("That picture is no picture");
        expect(reply.headers.get("x-request-id")).toMatch(/^[0-9A-Z]{26}$/);
      }
    }
    expect((await gateway.command("credentials")).out).not.toMatch(/cooling|invalid|exhausted/);
  });
});

test("H-126 a credential that is refused costs the client nothing", async () => {
  await withGateway(TWO, async (gateway) => {
    for (const cell of CELLS) {
      upstream.answer = (arrived) =>
        keyOf(arrived) === TWO.one ? sendFailure(arrived, "key", cell.upstream.dialect) : answerWell(arrived);
      for (const isStream of [false, true]) {
        const reply = await askCell(gateway, cell, isStream);
        expect(readTold(cell.client, isStream, reply.body.toString())).toMatchObject({ text: TEXT });
      }
    }
    expect((await gateway.command("credentials")).out.match(/ready/g)).toHaveLength(4);
  });
});

const TOO_LARGE: Names = {
  "openai-chat": "invalid_request_error",
  "openai-responses": "request_too_large",
  "anthropic-messages": "request_too_large",
  gemini: "INVALID_ARGUMENT",
};

test("H-127 a 413 that a network edge wrote in HTML is the dialect's own error", async () => {
  await withGateway(ONE, async (gateway) => {
    for (const cell of CELLS) {
      upstream.answer = (arrived) =>
        sendWhole(
          arrived,
          "<html><body><h1>413 Request Entity Too Large</h1>cloudflare</body></html>",
          { "content-type": "text/html" },
          "413 Too Large",
        );
      const reply = await askCell(gateway, cell, true);
      const { name, message } = errorOf(cell, reply);
      expect([cell.name, reply.status, name]).toEqual([cell.name, 413, TOO_LARGE[cell.client.dialect]]);
      expect(message).not.toContain("<");
    }
  });
});

test("H-128, H-129 too long a conversation is told in the words that make clients shorten it", async () => {
  await withGateway(ONE, async (gateway) => {
    for (const cell of CELLS) {
      upstream.answer = (arrived) => sendFailure(arrived, "overflow", cell.upstream.dialect);
      for (const isStream of [false, true]) {
        upstream.forget();
        const reply = await askCell(gateway, cell, isStream);
        const { message, code } = errorOf(cell, reply);
        expect([cell.name, reply.status, upstream.seen.length]).toEqual([cell.name, 400, 1]);
        if (cell.client === MESSAGES) expect(message).toStartWith("prompt is too long");
        if (cell.client.dialect.startsWith("openai")) expect(code).toBe("context_length_exceeded");
      }
    }
  });
});

test("H-128, H-129 the same as an event of a stream, the first or a later one", async () => {
  await withGateway(ONE, async (gateway) => {
    for (const cell of CELLS) {
      const [, body] = FAILURES.overflow[cell.upstream.dialect];
      const event = inBand(cell.upstream, body);
      const { streamType, frames } = cell.upstream;
      upstream.answer = (arrived) => sendStream(arrived, [event], streamType);
      const first = await askCell(gateway, cell, true);
      expect([cell.name, first.status]).toEqual([cell.name, 400]);
      const begun = frames.slice(0, cell.upstream.dialect === "gemini" ? 2 : 6);
      upstream.answer = (arrived) => sendStream(arrived, [...begun, event], streamType);
      const late = await askCell(gateway, cell, true);
      const told = readTold(cell.client, true, late.body.toString());
      expect([cell.name, late.status, told.isEnded]).toEqual([cell.name, 200, false]);
      for (const text of [first.body.toString(), late.body.toString()]) {
        if (cell.client === MESSAGES) expect(text).toContain('"message":"prompt is too long');
        if (cell.client === RESPONSES) expect(text).toContain('"code":"context_length_exceeded"');
      }
    }
  });
});

/** A provider's error body as an event of its stream. */
function inBand({ dialect }: Recording, body: object): string {
  if (dialect === "openai-responses") {
    const { error } = body as { error: object };
    return `event: error\ndata: ${JSON.stringify({ type: "error", sequence_number: 9, ...error })}\n\n`;
  }
  const data = `data: ${JSON.stringify(body)}\n\n`;
  return dialect === "anthropic-messages" ? `event: error\n${data}` : data;
}

test("H-136 a client's own retry is a request like any other", async () => {
  await withGateway(ONE, async (gateway) => {
    upstream.forget();
    upstream.answer = (arrived) => answerWell(arrived);
    const cell = cellOf("anthropic-messages", "openai-chat");
    const before = (await gateway.rows()).length;
    for (const _ of [1, 2]) expect((await askCell(gateway, cell, false)).status).toBe(200);
    expect(upstream.seen).toHaveLength(2);
    expect(upstream.seen[1]?.body).toEqual(upstream.seen[0]?.body as Buffer);
    expect((await gateway.rows()).length - before).toBe(2);
  });
});
