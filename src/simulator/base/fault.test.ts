// Scripted faults on a real socket, and the notation they are asked for with.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import fc from "fast-check";
import {
  DIALECTS,
  post,
  reset,
  type Sample,
  sample,
  seenBy,
  startForTest,
} from "../fixtures/simulator-under-test.ts";
import type { Simulator } from "../server/simulator.ts";
import { mergeFaults, parseFault, splitSuffix } from "./fault.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startForTest();
});
beforeEach(() => reset(simulator));
afterAll(() => simulator.close());

interface Wire {
  readonly text: string;
  /** How the connection ended: the code of a reset, or "closed". */
  readonly end: string;
}

/**
 * The bytes of one answer as they came, until the other side ends the connection or says that the body is
 * over.
 */
function wire({ path, headers, body }: Sample): Promise<Wire> {
  return new Promise((resolve) => {
    const bytes = Buffer.from(JSON.stringify(body));
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = [
      `POST ${path} HTTP/1.1`,
      "host: a",
      ...lines,
      `content-length: ${bytes.length}`,
      "connection: close",
    ];
    const socket = connect(simulator.port, "127.0.0.1", () => {
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      socket.write(bytes);
    });
    const chunks: Buffer[] = [];
    let end = "closed";
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end = error.code ?? "error";
    });
    socket.on("close", () => resolve({ text: Buffer.concat(chunks).toString(), end }));
  });
}

const streamOf = (fault: string, dialect: (typeof DIALECTS)[number] = "openai-chat") =>
  sample(dialect, { stream: true, fault });
const eventsIn = (text: string) => text.match(/^data: /gm)?.length ?? 0;
const bodyOf = async (request: Sample) => (await post(simulator, request)).text();

describe("cut", () => {
  test("resets the connection after so many events", async () => {
    const { text, end } = await wire(streamOf("cut,after=3"));
    expect(eventsIn(text)).toBe(3);
    expect(end).toBe("ECONNRESET");
    expect(text).not.toContain("\r\n0\r\n\r\n");
  });

  test("closes without the end of the body, or ends it cleanly, when told how", async () => {
    const closed = await wire(streamOf("cut,after=2,how=fin"));
    expect([eventsIn(closed.text), closed.end]).toEqual([2, "closed"]);
    expect(closed.text).not.toContain("\r\n0\r\n\r\n");
    const ended = await wire(streamOf("cut,after=2,how=end"));
    expect(eventsIn(ended.text)).toBe(2);
    expect(ended.text).toEndWith("\r\n0\r\n\r\n");
  });

  test("sends headers only with after=0, and nothing at all before headers", async () => {
    const headers = await wire(streamOf("cut,after=0"));
    expect(headers.text).toStartWith("HTTP/1.1 200");
    expect(headers.text).toEndWith("\r\n\r\n");
    expect(headers.end).toBe("ECONNRESET");
    expect(await wire(streamOf("cut,before-headers"))).toEqual({ text: "", end: "ECONNRESET" });
  });

  test("leaves half of a whole body", async () => {
    const { text, end } = await wire(sample("anthropic-messages", { fault: "cut" }));
    expect(text).toContain('{"id":"msg_');
    expect(text).not.toContain('"usage"');
    expect(end).toBe("ECONNRESET");
  });
});

describe("time", () => {
  test("a stall holds the stream and then goes on", async () => {
    const quick = await bodyOf(sample("openai-chat", { stream: true }));
    const stalled = await bodyOf(streamOf("stall,after=2,ms=30"));
    expect(eventsIn(stalled)).toBe(eventsIn(quick));
  });

  test("a stall without an end lasts until the client leaves, which is recorded", async () => {
    const response = await post(simulator, streamOf("stall,after=1"));
    const reader = response.body?.getReader();
    await reader?.read();
    expect(await seenBy(simulator)).toMatchObject([{ aborted: false, closed: false }]);
    await reader?.cancel();
    let [seen] = await seenBy(simulator);
    while (seen?.closed === false) {
      await Bun.sleep(5);
      [seen] = await seenBy(simulator);
    }
    expect(seen).toMatchObject({ aborted: true, closed: true });
    expect(seen?.abortedAtMs).toBeGreaterThan(0);
  });

  test("a cut of our own is no client that left", async () => {
    await wire(streamOf("cut"));
    expect(await seenBy(simulator)).toMatchObject([{ aborted: false, closed: true }]);
  });

  test("slow streams say the same", async () => {
    expect(eventsIn(await bodyOf(streamOf("slow,ms=1,count=10")))).toBeGreaterThan(10);
  });
});

describe("bytes", () => {
  test.each(DIALECTS)("split, CRLF and encodings carry the same text: %s", async (dialect) => {
    const words = /naïve|東京|🙂/g;
    const plain = (await bodyOf(sample(dialect, { stream: true }))).match(words);
    expect(plain?.slice(0, 3)).toEqual(["naïve", "東京", "🙂"]);
    for (const fault of ["split", "split,by=3", "crlf", "cr", "comments", "gzip", "br", "zstd", "deflate"]) {
      expect((await bodyOf(streamOf(fault, dialect))).match(words)).toEqual(plain);
    }
    const response = await post(simulator, sample(dialect, { fault: "gzip" }));
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect((await response.text()).match(words)?.slice(0, 3)).toEqual(["naïve", "東京", "🙂"]);
  });

  test("split writes one byte at a time", async () => {
    const { text } = await wire(streamOf("split"));
    expect(text).toContain("\r\n1\r\nd\r\n1\r\na\r\n1\r\nt\r\n1\r\na\r\n1\r\n:\r\n");
  });

  test.each(DIALECTS)("one huge event and many small ones: %s", async (dialect) => {
    expect((await bodyOf(streamOf("huge,bytes=3000000", dialect))).length).toBeGreaterThan(3_000_000);
    const many = (await bodyOf(streamOf("count=200", dialect))).match(/word\d+ "/g) ?? [];
    expect(new Set(many).size).toBe(200);
  });
});

describe("content", () => {
  test("html, nothing and garbage instead of an answer", async () => {
    for (const stream of [true, false]) {
      const html = await post(simulator, sample("openai-chat", { stream, fault: "html,status=502" }));
      expect([html.status, html.headers.get("content-type")]).toEqual([502, "text/html; charset=utf-8"]);
      expect(await bodyOf(sample("openai-chat", { stream, fault: "empty" }))).toBe("");
      const garbage = await bodyOf(sample("openai-chat", { stream, fault: "garbage" }));
      expect(() => JSON.parse(garbage)).toThrow();
    }
  });

  test.each(DIALECTS)("JSON for a stream and a stream for JSON: %s", async (dialect) => {
    const json = await post(simulator, streamOf("json-for-stream", dialect));
    expect(json.headers.get("content-type")).toBe("application/json");
    expect(await json.json()).toBeObject();
    const stream = await post(simulator, sample(dialect, { fault: "sse-for-json" }));
    const isArray = dialect === "gemini";
    expect(stream.headers.get("content-type")).toStartWith(
      isArray ? "application/json" : "text/event-stream",
    );
  });

  test("a stream without its last event", async () => {
    const last = {
      "openai-chat": "[DONE]",
      "openai-responses": "response.completed",
      "anthropic-messages": "message_stop",
      gemini: "finishReason",
    };
    for (const dialect of DIALECTS) {
      expect(await bodyOf(sample(dialect, { stream: true }))).toContain(last[dialect]);
      expect(await bodyOf(streamOf("no-done", dialect))).not.toContain(last[dialect]);
    }
  });

  test.each(DIALECTS)(
    "an error as the first event, or in the middle, in the dialect: %s",
    async (dialect) => {
      const first = await post(simulator, streamOf("error-first", dialect));
      expect(first.status).toBe(200);
      const text = await first.text();
      expect(eventsIn(text)).toBe(1);
      expect(text).toMatch(/overloaded/i);
      const mid = await bodyOf(streamOf("error-mid,after=3,rate-limit", dialect));
      expect(eventsIn(mid)).toBe(4);
      expect(mid).toMatch(/rate.limit|exceeded/i);
    },
  );
});

test("a Responses stream that ends as failed", async () => {
  const text = await bodyOf(streamOf("error-mid,failed,after=3,rate-limit", "openai-responses"));
  const last = JSON.parse(text.trim().split("data: ").at(-1) ?? "");
  expect(last).toMatchObject({
    type: "response.failed",
    sequence_number: 3,
    response: { status: "failed", error: { code: "rate_limit_exceeded" } },
  });
});

describe("answers", () => {
  const statuses = {
    "rate-limit": [429, 429, 429, 429],
    overload: [503, 503, 529, 503],
    "server-error": [500, 500, 500, 500],
    credit: [429, 429, 400, 429],
    "invalid-key": [401, 401, 401, 400],
    "forbidden-model": [404, 404, 404, 404],
    quota: [429, 429, 400, 429],
  };
  test.each(Object.entries(statuses))("%s has each provider's status", async (fault, expected) => {
    const found = [];
    for (const dialect of DIALECTS) {
      found.push((await post(simulator, sample(dialect, { fault }))).status);
    }
    expect(found).toEqual(expected);
  });

  test("a reset can be chosen", async () => {
    const response = await post(simulator, sample("openai-chat", { fault: "rate-limit,reset=7" }));
    expect(response.headers.get("retry-after")).toBe("7");
    const gemini = await bodyOf(sample("gemini", { fault: "rate-limit,reset=7" }));
    expect(gemini).toContain('"retryDelay":"7s"');
  });
});

describe("where a fault is asked for", () => {
  test.each(DIALECTS)("in the model's name, which is answered without it: %s", async (dialect) => {
    const plain = sample(dialect).body.model ?? "gemini-2.5-flash";
    const model = `${String(plain)}~rate-limit,times=1`;
    expect((await post(simulator, sample(dialect, { model }))).status).toBe(429);
    const good = await post(simulator, sample(dialect, { model }));
    expect(good.status).toBe(200);
    expect(await good.text()).not.toContain("~");
  });

  test.each(DIALECTS)("in the key, so that one of a pool is bad: %s", async (dialect) => {
    expect((await post(simulator, sample(dialect, { key: "sk-bad~invalid-key" }))).ok).toBe(false);
    expect((await post(simulator, sample(dialect, { key: "sk-good" }))).ok).toBe(true);
    expect((await seenBy(simulator)).map((seen) => seen.keySuffix)).toEqual(["-bad", "good"]);
  });

  test("times counts per key and model, and a reset forgets", async () => {
    const ask = async (key: string) =>
      (await post(simulator, sample("openai-chat", { key, fault: "overload,times=2" }))).status;
    expect([await ask("a"), await ask("b"), await ask("a"), await ask("a")]).toEqual([503, 503, 503, 200]);
    await reset(simulator);
    expect(await ask("a")).toBe(503);
  });
});

describe("notation", () => {
  test("words are names, k=v are parameters", () => {
    const fault = parseFault("cut, slow,after=3,ms=5");
    expect([...fault.names]).toEqual(["cut", "slow"]);
    expect(fault.params).toEqual({ after: "3", ms: "5" });
  });

  test("the first of several wins where they differ", () => {
    const fault = mergeFaults([parseFault("cut,after=1"), parseFault("slow,after=2,ms=9")]);
    expect([...fault.names]).toEqual(["cut", "slow"]);
    expect(fault.params).toEqual({ after: "1", ms: "9" });
  });

  test("any text is parsed, and a suffix never loses a character", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseFault(text);
        const { plain, fault } = splitSuffix(text);
        expect(text.includes("~") ? `${plain}~${fault}` : plain).toBe(text);
      }),
    );
  });
});
