/**
 * A50: an upstream that is looked at (`check --live`, `doctor`) or tried (`test`) attacks who looks: endless and compressed
 * replies, heads without an end, redirects, words that a terminal obeys, the credential, and lists that are dear to compare.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import {
  CLIENT_KEY,
  type Gateway,
  KEYS_TOML,
  runProgram,
  startGateway,
  upstreamToml,
} from "../kit/gateway.ts";
import {
  type Answering,
  chunkOf,
  LAST_CHUNK,
  type RawUpstream,
  replyHead,
  startRawUpstream,
} from "../kit/raw-upstream.ts";

const SECRET = "sk-canary-0123456789abcdef";
/** What a terminal obeys, with a line that looks like one of the program's own. */
const OBEYED = "\u001b[2J\u001b]0;x\u0007\u009b31m\u202e\u2028";
const LINE = "\r\nok       key up/main: FAKE\n";
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

let upstream: RawUpstream;
let gateway: Gateway;
let elsewhere: Server;
let visits = 0;
beforeAll(async () => {
  upstream = await startRawUpstream(() => undefined);
  elsewhere = createServer((_, reply) => {
    visits++;
    reply.end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise<void>((resolve) => elsewhere.once("listening", () => resolve()));
  const models = Array.from(
    { length: 20 },
    (_, n) => `[[models]]\nname = "m${n}"\ntargets = ["up/${`gpt-4${"b".repeat(55)}${n}`}"]\n`,
  );
  gateway = await startGateway({
    toml: [
      KEYS_TOML,
      ...models,
      upstreamToml("up", "openai", `${upstream.url}/v1`, {
        lines: 'dialects = ["openai-chat"]',
        credentials: { main: SECRET },
      }),
    ].join("\n"),
  });
});
afterAll(async () => {
  await gateway?.kill();
  await upstream?.close();
  elsewhere?.close();
});

function json(status: string, body: unknown, headers: Record<string, string> = {}): Answering {
  return async (arrived) => {
    const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    await arrived.send(replyHead(status, { "content-type": "application/json", ...headers }, bytes.length));
    await arrived.send(bytes);
  };
}
const repeated = (key: string | undefined) => ({ error: { message: key, code: key, type: key } });

const ATTACKS: Readonly<Record<string, Answering>> = {
  "a reply without an end": async (arrived) => {
    await arrived.send(replyHead("200 OK", { "content-type": "application/json" }, "chunked"));
    while (!arrived.isClosed) await arrived.send(chunkOf("[".repeat(60_000)));
  },
  "a head without an end": async (arrived) => {
    await arrived.send("HTTP/1.1 200 OK\r\n");
    while (!arrived.isClosed) await arrived.send(`x-h: ${"v".repeat(1_000)}\r\n`);
  },
  "a bomb": async (arrived) => {
    const bytes = gzipSync(Buffer.alloc(200_000_000, " "));
    await arrived.send(replyHead("200 OK", { "content-encoding": "gzip" }, bytes.length));
    await arrived.send(bytes);
  },
  "gzip that is none": json("200 OK", "not gzip", { "content-encoding": "gzip" }),
  "brackets alone": json("200 OK", "[".repeat(4_000_000)),
  "no HTTP": (arrived) => void arrived.send("hello\r\n\r\n"),
  "a redirect to this machine": (arrived) => {
    const { port } = elsewhere.address() as AddressInfo;
    void arrived.send(replyHead("307 Temporary", { location: `http://127.0.0.1:${port}/` }, 0));
  },
  "words that a terminal obeys": json("401 No", repeated(OBEYED + LINE)),
  "names that a terminal obeys": json("200 OK", { data: [{ id: `gpt-4${OBEYED}${LINE}` }] }, { date: "x" }),
  "the credential": (arrived) => json("403 No", repeated(arrived.headers.get("authorization")))(arrived),
};

describe("A50 looking at an upstream with", () => {
  for (const [what, answer] of Object.entries(ATTACKS))
    test.each(["check --live", "doctor"])(
      `${what}: %s`,
      async (command) => {
        upstream.answer = answer;
        const { exitCode, out, err } = await gateway.command(...command.split(" "));
        expect([0, 1]).toContain(exitCode);
        expect(visits).toBe(0);
        const lines = (out + err).split("\n");
        expect(lines.filter((line) => CONTROLS.test(line))).toEqual([]);
        expect(lines.filter((line) => line.startsWith("ok       key up/main: FAKE"))).toEqual([]);
        expect(out + err).not.toContain("canary");
        expect(err).not.toMatch(/^\s+at /m);
      },
      60_000,
    );
});

describe("A50 trying a model whose upstream answers with", () => {
  const chunk = (content: string) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: `m${OBEYED}`, choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
  const stream =
    (...frames: readonly string[]): Answering =>
    async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      for (const frame of frames) await arrived.send(chunkOf(frame));
      await arrived.send(LAST_CHUNK);
    };
  test.each<[string, Answering]>([
    ["words that a terminal obeys", stream(chunk(`hi${OBEYED}`), "data: [DONE]\n\n")],
    ["an error", json("400 Bad", repeated(OBEYED + LINE))],
    ["a late error", stream(chunk("hi"), `data: ${JSON.stringify(repeated(OBEYED + LINE))}\n\n`)],
    ["the credential", (arrived) => json("400 Bad", repeated(arrived.headers.get("authorization")))(arrived)],
  ])(
    "%s",
    async (_, answer) => {
      upstream.answer = answer;
      const args = ["test", "up/m", "--url", gateway.url, "--config", gateway.configFile];
      const { out, err } = await runProgram(args, gateway.folder, { CLEWLINE_KEY: CLIENT_KEY });
      const lines = (out + err).split("\n");
      expect(lines.filter((line) => CONTROLS.test(line))).toEqual([]);
      expect(lines.filter((line) => line.startsWith("ok       key up/main: FAKE"))).toEqual([]);
      expect(out + err).not.toContain("canary");
    },
    60_000,
  );

  test("an answer without an end", async () => {
    upstream.answer = async (arrived) => {
      await arrived.send(replyHead("200 OK", { "content-type": "text/event-stream" }, "chunked"));
      while (!arrived.isClosed) await arrived.send(chunkOf(chunk("x".repeat(10_000))));
    };
    const args = ["test", "up/m", "--url", gateway.url, "--config", gateway.configFile];
    const { exitCode, out, err } = await runProgram(args, gateway.folder, { CLEWLINE_KEY: CLIENT_KEY });
    expect([exitCode, err]).toEqual([1, expect.stringContaining("does not end")]);
    expect(out.length).toBeLessThan(200_000);
  }, 60_000);
});
