// Media by URL, for targets that fetch none: the gateway refuses private addresses by name and never fetches
// them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { answerWell } from "../faults/asking.ts";
import { type Gateway, startGateway } from "../kit/gateway.ts";
import { type RawReply, request } from "../kit/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../kit/raw-upstream.ts";
import { translatedToml, UPSTREAMS } from "./translated.ts";

let upstream: RawUpstream;
/** The server that must never be reached. */
let inside: RawUpstream;
let closed: Gateway;
let fetching: Gateway;

beforeAll(async () => {
  upstream = await startRawUpstream((arrived) => answerWell(arrived));
  inside = await startRawUpstream((arrived) => answerWell(arrived));
  closed = await startGateway({ toml: translatedToml(upstream.url) });
  fetching = await startGateway({
    toml: `${translatedToml(upstream.url)}\n[media]\nfetch = true\nfetch_timeout_ms = 1000\n`,
  });
});
afterAll(async () => {
  await closed?.close();
  await fetching?.close();
  await upstream?.close();
  await inside?.close();
});

interface Question {
  readonly path: (model: string) => string;
  readonly body: (model: string, url: string) => object;
  /** The document's name in a refusal. */
  readonly at: RegExp;
}

/** A question with a document by URL, in each dialect that has such documents. */
const ASKED = {
  "openai-responses": {
    path: () => "/v1/responses",
    body: (model, url) => ({
      model,
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "What is this?" },
            { type: "input_file", file_url: url },
          ],
        },
      ],
    }),
    at: /input\[0\]\.content\[1\]/,
  },
  "anthropic-messages": {
    path: () => "/v1/messages",
    body: (model, url) => ({
      model,
      max_tokens: 50,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "document", source: { type: "url", url } },
          ],
        },
      ],
    }),
    at: /messages\[0\]\.content\[1\]/,
  },
  gemini: {
    path: (model) => `/v1beta/models/${model}:generateContent`,
    body: (_, url) => ({
      contents: [
        {
          role: "user",
          parts: [{ text: "What is this?" }, { fileData: { fileUri: url, mimeType: "application/pdf" } }],
        },
      ],
    }),
    at: /contents\[0\]\.parts\[1\]/,
  },
} as const satisfies Record<string, Question>;

type Client = keyof typeof ASKED;
const CLIENTS = Object.keys(ASKED) as Client[];
/** The only dialect here whose servers fetch no documents. */
const TARGET = "openai-chat/gpt-4.1";

async function ask(gateway: Gateway, client: Client, url: string, model = TARGET): Promise<RawReply> {
  upstream.forget();
  inside.forget();
  const { path, body }: Question = ASKED[client];
  return await request(gateway.port, path(model), { body: JSON.stringify(body(model, url)) });
}

for (const client of CLIENTS) {
  test(`${client}: with fetching off, a document by URL is a 400 that names it`, async () => {
    const reply = await ask(closed, client, "https://example.com/paper.pdf");
    expect([reply.status, reply.body.toString()]).toEqual([400, expect.stringMatching(ASKED[client].at)]);
    expect(upstream.seen).toHaveLength(0);
  });

  test(`${client}: with fetching on, nothing that is not public is asked`, async () => {
    for (const url of [
      `${inside.url}/paper.pdf`,
      `http://localhost:${inside.port}/paper.pdf`,
      "http://127.0.0.1/paper.pdf",
      "http://localhost/paper.pdf",
      "http://[::1]/paper.pdf",
      "http://0.0.0.0/paper.pdf",
      "http://2130706433/paper.pdf",
      "http://0x7f.1/paper.pdf",
      "http://169.254.169.254/latest/meta-data/",
      "http://10.0.0.1/paper.pdf",
      "http://[::ffff:127.0.0.1]/paper.pdf",
      "https://user:hunter2@127.0.0.1/paper.pdf",
      "file:///etc/passwd",
      "ftp://127.0.0.1/paper.pdf",
      "gopher://127.0.0.1/",
    ]) {
      const reply = await ask(fetching, client, url);
      const text = reply.body.toString();
      expect([url, reply.status, upstream.seen.length, inside.seen.length]).toEqual([url, 400, 0, 0]);
      expect(text).toMatch(ASKED[client].at);
      expect(text).not.toContain("hunter2");
      expect(text).not.toContain("root:");
    }
  });
}

test("a target that fetches by itself is given the URL, whatever the configuration", async () => {
  const url = "https://example.com/paper.pdf";
  for (const gateway of [closed, fetching]) {
    for (const client of CLIENTS) {
      for (const target of ["openai-responses", "anthropic-messages", "gemini"] as const) {
        if (target === client) continue;
        const { model } = UPSTREAMS[target];
        const reply = await ask(gateway, client, url, model);
        expect([client, model, reply.status]).toEqual([client, model, 200]);
        expect(upstream.seen[0]?.body.toString()).toContain(url);
      }
    }
  }
});

test("a picture by URL, which every provider fetches, is handed on", async () => {
  for (const target of ["anthropic-messages", "openai-responses", "gemini"] as const) {
    upstream.forget();
    const { model } = UPSTREAMS[target];
    const image = { type: "image_url", image_url: { url: "https://example.com/cat.png" } };
    const body = JSON.stringify({ model, messages: [{ role: "user", content: [image] }] });
    expect((await request(closed.port, "/v1/chat/completions", { body })).status).toBe(200);
    expect(upstream.seen[0]?.body.toString()).toContain("https://example.com/cat.png");
  }
});
