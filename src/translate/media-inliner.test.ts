// Files that a request names by URL: each fetched once, few at a time, no more than a request may hold.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import { CODECS } from "../dialects/fixtures/codecs.ts";
import type { UserPart } from "../neutral/message.ts";
import type { ModelRequest } from "../neutral/request.ts";
import {
  type ClientUnderTest,
  clientUnderTest,
  configUnderTest,
} from "../proxy/fixtures/gateway-under-test.ts";
import type { Gateway } from "../proxy/gateway.ts";
import type { MediaFetch } from "../transport/media-fetch.ts";
import { COMPATIBLE } from "../upstreams/profiles.ts";
import { MediaInliner } from "./media-inliner.ts";

const CHAT = CODECS["openai-chat"].takesUrls(COMPATIBLE);
const PDF = new Uint8Array(Buffer.from("%PDF-1.7"));

const pdf = (url: string): UserPart => ({
  type: "document",
  source: { kind: "url", url, mimeType: null },
  title: null,
  at: "messages[0]",
});

const asking = (...parts: UserPart[]): ModelRequest =>
  ({ messages: [{ role: "user", parts }] }) as unknown as ModelRequest;

function begin(fetchMedia: MediaFetch, client: ClientUnderTest = clientUnderTest("/", "{}")): MediaInliner {
  const config = configUnderTest({ upstreams: [] });
  const snapshot = { config: { ...config, media: { ...config.media, fetch: true } } } as Gateway["snapshot"];
  return new MediaInliner({ snapshot, fetchMedia }, client, { key: "tester", room: null });
}

test("a file that is named often, or wanted for several targets, is fetched once", async () => {
  const fetched: string[] = [];
  const inliner = begin(async (url) => {
    fetched.push(url);
    return { mimeType: "application/pdf", bytes: PDF };
  });
  const image: UserPart = {
    type: "image",
    source: { kind: "url", url: "https://files.test/c", mimeType: null },
    at: "messages[0]",
  };
  const request = asking(
    pdf("https://files.test/a"),
    pdf("https://files.test/b"),
    pdf("https://files.test/a"),
    image,
  );
  const inlined = await inliner.inline(request, CHAT);
  const file = { kind: "base64", mimeType: "application/pdf", data: "JVBERi0xLjc=" };
  const [first, second, third, fourth] = inlined.messages[0]?.parts ?? [];
  expect([first, second, third]).toMatchObject([{ source: file }, { source: file }, { source: file }]);
  // A Chat server fetches pictures itself.
  expect(fourth).toBe(image);
  expect(await inliner.inline(request, CHAT)).toEqual(inlined);
  expect(fetched).toEqual(["https://files.test/a", "https://files.test/b"]);
});

test("more files than a request has reason to name are refused before one is fetched", async () => {
  let fetches = 0;
  const inliner = begin(async () => {
    fetches++;
    return { mimeType: "application/pdf", bytes: PDF };
  });
  const many = Array.from({ length: 51 }, (_, i) => pdf(`https://files.test/${i}`));
  expect(inliner.inline(asking(...many), CHAT)).rejects.toMatchObject({
    kind: "bad_request",
    param: "messages[0]",
  });
  expect(fetches).toBe(0);
  await inliner.inline(asking(...many.slice(1)), CHAT);
  expect(fetches).toBe(50);
});

test("files that are too large together are refused", async () => {
  const inliner = begin(async () => ({ mimeType: "application/pdf", bytes: new Uint8Array(400_000) }));
  await inliner.inline(asking(pdf("https://files.test/1")), CHAT);
  const two = asking(pdf("https://files.test/1"), pdf("https://files.test/2"));
  expect(inliner.inline(two, CHAT)).rejects.toMatchObject({ kind: "bad_request" });
});

test("nothing more is fetched after a failure, or for a client that has left", async () => {
  const many = asking(...Array.from({ length: 40 }, (_, i) => pdf(`https://files.test/${i}`)));
  let fetches = 0;
  const failing = begin(async () => {
    fetches++;
    await Bun.sleep(0);
    throw new GatewayError("bad_request", "no such file");
  });
  expect(failing.inline(many, CHAT)).rejects.toThrow("no such file");
  await Bun.sleep(10);
  expect(fetches).toBe(4);
  const client = clientUnderTest("/", "{}");
  fetches = 0;
  const left = begin(async () => {
    if (++fetches === 4) client.leave();
    return { mimeType: "application/pdf", bytes: PDF };
  }, client);
  expect(left.inline(many, CHAT)).rejects.toThrow("left");
  await Bun.sleep(10);
  expect(fetches).toBe(4);
});
